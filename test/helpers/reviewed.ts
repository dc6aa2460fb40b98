import { expect } from "vitest";
import type { Desk, Ended, RunOptions } from "./run-workcell.ts";

/** The name in the line that says what waits. */
export function waitsIn({ stderr }: Ended): string {
  const [, name = ""] = /wait[s]? in session ([a-z0-9-]+): workcell diff/.exec(stderr) ?? [];
  expect(name, stderr).not.toBe("");
  return name;
}

/** Runs a shell script in a cell with a folder in review; resolves to the session in which its changes wait. */
export async function changed(desk: Desk, folder: string, script: string): Promise<string> {
  const ended = await desk.run(["-m", folder, "sh", "-c", script]);
  expect(ended.code, ended.stderr).toBe(0);
  return waitsIn(ended);
}

/** How `workcell` ended, in one value. */
export async function said(
  desk: Desk,
  words: readonly string[],
  options?: RunOptions,
): Promise<readonly [number | null, string, string]> {
  const { code, stdout, stderr } = await desk.workcell(words, options);
  return [code, stdout, stderr];
}
