import { isWithin } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { BytePath, JudgedChange } from "../../model/index.ts";

/** True for what lies at or below one of these paths. */
export const isBelow =
  (paths: readonly BytePath[]) =>
  ({ path: place }: { readonly path: BytePath }): boolean =>
    paths.some((one) => isWithin(place, one));

/** The changes at or below these paths, with the new folders that they lie in; without paths all of them. */
export function selectChanges(
  changes: readonly JudgedChange[],
  paths: readonly BytePath[] | undefined,
): readonly JudgedChange[] {
  if (paths === undefined) return changes;
  const isAbove = (change: JudgedChange) =>
    change.after?.type === "directory" &&
    change.kind !== "attributes" &&
    paths.some((one) => isWithin(one, change.path));
  return changes.filter((change) => isAbove(change) || isBelow(paths)(change));
}

/** How `apply` treats what it may not carry over by itself. */
export interface ApplyChoice {
  /** What waits for the person in `auto` goes too: they are asking for it. */
  readonly waiting: boolean;
  /** Conflicts are decided: the session's version goes into the folder. */
  readonly conflicts: boolean;
}

export interface Divided {
  readonly chosen: readonly JudgedChange[];
  readonly held: readonly JudgedChange[];
}

/** Divides changes into what is carried over and what is held back. What lies in a new folder that is held back is, too. */
export function divideChanges(changes: readonly JudgedChange[], choice: ApplyChoice): Divided {
  const chosen: JudgedChange[] = [];
  const held: JudgedChange[] = [];
  const shut = new Set<BytePath>();
  for (const change of changes) {
    const isHeld =
      change.class === "refused" ||
      (change.class === "waiting" && !choice.waiting) ||
      (change.conflict !== undefined && !choice.conflicts) ||
      shut.has(parentOf(change.path));
    if (isHeld && change.after?.type === "directory" && change.kind !== "attributes") shut.add(change.path);
    (isHeld ? held : chosen).push(change);
  }
  return { chosen, held };
}

const parentOf = (place: BytePath) => place.slice(0, Math.max(0, place.lastIndexOf("/")));

/** A path that names nothing is a mistake, and says so. */
export function nothingThere(paths: readonly string[], session: string): WorkcellError {
  return new WorkcellError("WC_USAGE", {
    message: `No change of session "${session}" lies at ${paths.map((one) => `"${printable(one)}"`).join(", ")}`,
    remedy: `See what there is: workcell diff ${session} --stat; which sessions: workcell session list`,
  });
}
