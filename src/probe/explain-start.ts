import type { Explanation } from "./doctor/explain-failure.ts";

/** Explains from what a failed start said why this machine holds no cell; undefined where it is something else. */
export async function explainStartHere(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  bwrap: string,
): Promise<Explanation | undefined> {
  // Loaded only here: whoever opens this room to start a cell needs nothing of the doctor's.
  const { explainStart } = await import("./doctor/explain-start.ts");
  const { readHostLimits } = await import("./doctor/host-limits.ts");
  return explainStart(text, readHostLimits(env), bwrap);
}
