import { monotonicMs } from "../lib/monotonic.ts";
import { shortLine } from "../lib/short-line.ts";
import type { AuditEvent, Denial } from "../model/index.ts";

// A cell may ask as often as it likes: what is kept of it is bounded, and other sessions' evidence stays in the log.
const limitDenials = 200;
const limitRefusals = 10_000;

/** The refusals that an outcome tells: each once, so many of them, and how many more there were. */
export interface KeptDenials {
  /** True when this one is told. */
  add(denial: Denial): boolean;
  /** Puts the last one down, which says how many were only counted. */
  close(): void;
}

/** Keeps distinct denials in `kept`, at most 200 and one that counts the others. */
export function keepDenials(kept: Denial[], session: string): KeptDenials {
  const seen = new Set<string>();
  let more = 0;
  return {
    add(denial) {
      const { layer, what, rule, remedy } = denial;
      const short = { ...denial, what: shortLine(what), rule: shortLine(rule), remedy: shortLine(remedy) };
      const key = JSON.stringify([layer, short.what, short.rule]);
      if (seen.has(key)) return false;
      if (seen.size >= limitDenials) {
        more += 1;
        return false;
      }
      seen.add(key);
      kept.push(short);
      return true;
    },
    close() {
      if (more === 0) return;
      kept.push({
        layer: "limits",
        rule: `${limitDenials} different refusals of a cell are told`,
        origin: "built in",
        what: `${more} more refusals like these`,
        remedy: `Run: workcell audit --denied --session ${session}`,
      });
      more = 0;
    },
  };
}

/** Time before the first line that sums up one refusal's repetitions, in ms; each further one waits twice as long, up to the last. */
const firstPauseMs = 60_000;
const lastPauseMs = 3_600_000;

/** What of a cell goes to the audit log: refusals up to a number, each once and summed up, and all else as far as the log takes it. */
export interface AuditBudget {
  /** True when the event is taken down by itself. */
  add(event: AuditEvent): boolean;
  /** The lines that say at the end how many were only counted. */
  rest(): AuditEvent[];
}

interface Counted {
  readonly kind: AuditEvent["kind"];
  count: number;
}

/** A refusal that has a line, and how often it came again since. */
interface Repeated {
  readonly event: AuditEvent;
  count: number;
  nextMs: number;
  pauseMs: number;
}

const sameAs = ({ kind, layer, rule, origin, subject }: AuditEvent): string =>
  JSON.stringify([kind, layer, rule, origin, subject]);

/** Hands events on to `append` within a cell's budget; what that does not take either is counted too. */
export function budgetAudit(
  cell: Pick<AuditEvent, "session" | "cell">,
  append: (event: AuditEvent) => boolean,
  nowMs: () => number = monotonicMs,
): AuditBudget {
  const counted: { [decision in AuditEvent["decision"]]?: Counted } = {};
  // As many at most as refusals are written.
  const repeated = new Map<string, Repeated>();
  let refusals = 0;

  function repeat(known: Repeated): void {
    known.count += 1;
    if (nowMs() < known.nextMs || refusals >= limitRefusals) return;
    if (!append({ ...known.event, repeats: known.count })) return;
    refusals += 1;
    known.count = 0;
    known.pauseMs = Math.min(2 * known.pauseMs, lastPauseMs);
    known.nextMs = nowMs() + known.pauseMs;
  }

  return {
    add(event) {
      const { decision, kind } = event;
      const known = decision === "deny" ? repeated.get(sameAs(event)) : undefined;
      if (known !== undefined) {
        repeat(known);
        return false;
      }
      const isWithin = decision === "allow" || refusals < limitRefusals;
      if (isWithin && append(event)) {
        if (decision === "allow") return true;
        refusals += 1;
        const nextMs = nowMs() + firstPauseMs;
        repeated.set(sameAs(event), { event, count: 0, nextMs, pauseMs: firstPauseMs });
        return true;
      }
      counted[decision] ??= { kind, count: 0 };
      counted[decision].count += 1;
      return false;
    },
    rest: () => {
      const summed = [...repeated.values()].filter(({ count }) => count > 0);
      const repeats = summed.map(({ event, count }) => ({ ...event, repeats: count }));
      for (const one of summed) one.count = 0;
      const others = (["allow", "deny"] as const).flatMap((decision) => {
        const more = counted[decision];
        if (more === undefined) return [];
        const what = decision === "deny" ? "refusals" : "connections";
        const rule =
          decision === "deny" && refusals >= limitRefusals
            ? `${limitRefusals} refusals of a cell are written`
            : "they came faster than the audit log could be written";
        const subject = `${more.count} more ${what} of this cell`;
        return [{ ...cell, kind: more.kind, decision, layer: "limits", rule, origin: "built in", subject }];
      });
      return [...repeats, ...others];
    },
  };
}
