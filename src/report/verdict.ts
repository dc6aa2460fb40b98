import type { ReportRow } from "../model/index.ts";
import type { Attempt, InsideView, Observations, OutsideView, Seen } from "./observations.ts";

/** What is said of one row. */
export type Verdict = Pick<ReportRow, "status" | "observed" | "how">;

/** Judges one row from what was observed. */
export type Judge = (observations: Observations) => Verdict;

/** One thing that has to hold, and how it reads when it does not. */
export interface Requirement {
  readonly holds: boolean;
  readonly otherwise: string;
}

/** `match` when everything that is required was seen to hold, else `differs` with what did not. */
export function required(observed: string, how: string, requirements: readonly Requirement[]): Verdict {
  const broken = requirements.filter(({ holds }) => !holds).map(({ otherwise }) => otherwise);
  if (broken.length === 0) return { status: "match", observed, how };
  return { status: "differs", observed: `${observed}; but ${broken.join("; ")}`, how };
}

/** An attempt that must have gone through. */
export function succeeded(what: string, { ok, detail }: Attempt): Requirement {
  return { holds: ok, otherwise: `${what} failed: ${detail}` };
}

/** An attempt that must not have gone through; its control must, or the refusal proves nothing. */
export function refused(what: string, attempt: Attempt, control: Attempt): Requirement[] {
  return [
    { holds: !attempt.ok, otherwise: `${what} went through: ${attempt.detail}` },
    { holds: control.ok, otherwise: `its control failed: ${control.detail}` },
  ];
}

/** The machine's own value. */
export function hostValue(observed: string, how: string): Verdict {
  return { status: "host", observed, how };
}

export function unknown(observed: string): Verdict {
  return { status: "unknown", observed, how: "not observed" };
}

/** A row of which nothing exists yet. */
export function notBuilt(what: string): Judge {
  return () => unknown(`not built yet: ${what}`);
}

/** A row without meaning in this tier. */
export function notApplicable(why: string): Judge {
  return () => ({ status: "not-applicable", observed: why, how: "by the tier" });
}

/** Judges from one observation; `unknown` with the reason when it could not be made. */
export function whenSeen<T>(observation: Seen<T>, judge: (seen: T) => Verdict): Verdict {
  return "seen" in observation
    ? judge(observation.seen)
    : unknown(`could not be observed: ${observation.unseen}`);
}

/** Judges from the view within. */
export function fromInside(judge: (inside: InsideView) => Verdict): Judge {
  return ({ inside }) => whenSeen(inside, judge);
}

/** Judges from both views. */
export function fromBoth(judge: (inside: InsideView, outside: OutsideView) => Verdict): Judge {
  return ({ inside, outside }) =>
    whenSeen(inside, (within) => whenSeen(outside, (host) => judge(within, host)));
}
