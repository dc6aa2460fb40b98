import { spawnSync } from "node:child_process";
import { lstatSync, rmSync } from "node:fs";
import { WorkcellError } from "../errors/index.ts";

/** Where every distribution has chmod and rm. */
const env = { PATH: "/usr/bin:/bin" };

const isThere = (folder: string) => lstatSync(folder, { throwIfNoEntry: false }) !== undefined;

/**
 * Removes a folder that a cell has written to, whatever it holds. A cell may leave folders that not even their owner
 * may read, or nest them deeper than a path can be long: both stop rmSync(), and neither stops chmod and rm.
 */
export function takeAway(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (cause) {
    for (const argv of [
      ["chmod", "-R", "u+rwx", "--", folder],
      ["rm", "-rf", "--", folder],
    ]) {
      const [program = "", ...args] = argv;
      spawnSync(program, args, { env, cwd: "/", stdio: "ignore" });
    }
    if (!isThere(folder)) return;
    throw new WorkcellError("WC_SESSION", {
      message: `Cannot take away "${folder}", which an ended session left: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: `Remove it yourself: rm -rf "${folder}"`,
      cause,
    });
  }
}
