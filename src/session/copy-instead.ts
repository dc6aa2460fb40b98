import { WorkcellError } from "../errors/index.ts";
import type { RunRequest } from "./request.ts";

/** A start once more, with copies of the folders in review. */
export interface CopyInstead {
  readonly request: RunRequest;
  /** What could not be done with the folders themselves. */
  readonly copyBecause: string;
}

/**
 * What a start that failed is tried again with; undefined: it failed for something that copies do not mend. `told` is what the
 * person has heard already.
 */
export function copyInstead(
  error: unknown,
  request: RunRequest,
  told: readonly string[],
): CopyInstead | undefined {
  if (!(error instanceof WorkcellError)) return undefined;
  const { unmerged } = error.details;
  if (typeof unmerged !== "string") return undefined;
  const { onDecided: _done, onLaunched: _said, ...rest } = request;
  const heard = new Set(told);
  const onNotice = (line: string) => {
    if (!heard.has(line)) request.onNotice?.(line);
  };
  return { request: { ...rest, onNotice }, copyBecause: unmerged };
}
