import { type ListedStep, shownSize } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { type Bounded, boundSession, type ReviewInput } from "../../session/index.ts";
import type { CommandContext } from "../command.ts";
import { renderError } from "../render/error.ts";

/** Numbers of which each is named; the rest is counted. */
const MOST_NAMED = 5;

function named(steps: readonly ListedStep[]): string {
  const numbers = steps.map(({ number }) => `${number}`);
  const shown = numbers.slice(0, MOST_NAMED);
  const more = numbers.length - shown.length;
  const [last, ...before] = [...shown, ...(more > 0 ? [`${more} more`] : [])].reverse();
  const list = before.length === 0 ? last : `${before.reverse().join(", ")} and ${last}`;
  return `${numbers.length === 1 ? "step" : "steps"} ${list}`;
}

function linesOf(name: string, { forgotten, keptBytes, quotaBytes = 0, isOver }: Bounded): string {
  const limit = `session ${name} may take ${shownSize(quotaBytes)} on the disk`;
  const bytes = forgotten.reduce((sum, one) => sum + one.keptBytes, 0);
  return [
    ...(forgotten.length > 0
      ? [
          `workcell: ${named(forgotten)} cannot be undone any more, to make room (${shownSize(bytes)}): ${limit}\n`,
        ]
      : []),
    ...(isOver
      ? [
          `workcell: what is kept for undo takes ${shownSize(keptBytes)}, and ${limit}: the newest step stays all the same, until there is a newer one\n`,
        ]
      : []),
  ].join("");
}

/**
 * Keeps a session within its disk after a step was made or a command has written to it, and says which steps were given up for that. What was done
 * is done: that no room could be made is said, and no more.
 */
export async function keepWithinDisk(
  input: ReviewInput,
  made: readonly number[],
  { stderr }: CommandContext,
): Promise<void> {
  try {
    stderr.write(linesOf(input.session.name, await boundSession(input, made)));
  } catch (error) {
    if (!(error instanceof WorkcellError)) throw error;
    stderr.write(renderError(error));
  }
}
