import { diffArrays } from "diff";
import { diff3Merge } from "node-diff3";
import { linesOf } from "./line-diff.ts";

export interface MergeInput {
  /** What both began with, where it is known. One character a byte, as the others. */
  readonly base?: string;
  /** What the host holds now. */
  readonly ours: string;
  /** What the session made. */
  readonly theirs: string;
  /** What the markers call the two sides; absent: "yours, on the host" and "the session's". */
  readonly labels?: { readonly ours: string; readonly theirs: string };
}

export interface Merged {
  readonly text: string;
  /** How many places are left to the person. */
  readonly conflicts: number;
}

type Block =
  | { readonly same: readonly string[] }
  | { readonly ours: readonly string[]; readonly theirs: readonly string[] };

/** Both versions in one text: what only one side changed is taken, what both did stands between markers. */
export function mergeText(input: MergeInput): Merged {
  const blocks = input.base === undefined ? twoWay(input) : threeWay(input, input.base);
  const labels = input.labels ?? { ours: "yours, on the host", theirs: "the session's" };
  const parts = blocks.map((block) =>
    "same" in block
      ? block.same.join("")
      : `<<<<<<< ${labels.ours}\n${closed(block.ours)}=======\n${closed(block.theirs)}>>>>>>> ${labels.theirs}\n`,
  );
  return { text: parts.join(""), conflicts: blocks.filter((block) => !("same" in block)).length };
}

/** A marker stands on a line of its own, also behind a last line without an end. */
function closed(lines: readonly string[]): string {
  const text = lines.join("");
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function threeWay({ ours, theirs }: MergeInput, base: string): readonly Block[] {
  const regions = diff3Merge(linesOf(ours), linesOf(base), linesOf(theirs), { excludeFalseConflicts: true });
  return regions.map(({ ok, conflict }) =>
    conflict === undefined ? { same: ok ?? [] } : { ours: conflict.a, theirs: conflict.b },
  );
}

const maxEditLength = 2_000;

/** Without a base nobody can tell who changed a line, so every difference is the person's to decide. */
function twoWay({ ours, theirs }: MergeInput): readonly Block[] {
  const [mine, other] = [linesOf(ours), linesOf(theirs)];
  const parts = diffArrays(mine, other, { maxEditLength });
  if (parts === undefined) return [{ ours: mine, theirs: other }];
  const blocks: Block[] = [];
  for (const { value, added, removed } of parts) {
    if (!added && !removed) {
      blocks.push({ same: value });
      continue;
    }
    const last = blocks.at(-1);
    const isOpen = last !== undefined && !("same" in last);
    if (isOpen) blocks.pop();
    blocks.push(
      joined(isOpen ? last : { ours: [], theirs: [] }, added ? { theirs: value } : { ours: value }),
    );
  }
  return blocks;
}

function joined(
  { ours, theirs }: { readonly ours: readonly string[]; readonly theirs: readonly string[] },
  more: { readonly ours?: readonly string[]; readonly theirs?: readonly string[] },
): Block {
  return { ours: [...ours, ...(more.ours ?? [])], theirs: [...theirs, ...(more.theirs ?? [])] };
}
