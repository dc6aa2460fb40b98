import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { onTestFinished } from "vitest";
import { tempFolder } from "./temp-folder.ts";

/** Who starts bwrap. */
export interface Starter {
  readonly name: string;
  readonly prefix: readonly string[];
}

const stranger = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"];

/** Root and a user who owns nothing; an ordinary user can try only as himself. */
export const starters: readonly Starter[] =
  process.getuid?.() === 0
    ? [
        { name: "root", prefix: [] },
        { name: "uid 54321", prefix: stranger },
      ]
    : [{ name: "an ordinary user", prefix: [] }];

/** Whether a program can be started at all. */
function isInstalled(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** What is missing of these programs; in CI nothing may be, since a skipped proof proves nothing. */
export function missing(programs: readonly string[]): readonly string[] {
  const absent = programs.filter((program) => !isInstalled(program));
  if (absent.length > 0 && process.env["CI"] === "true")
    throw new Error(`Needed in CI: ${absent.join(", ")}`);
  return absent;
}

export interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs bwrap with these filters, oldest first, handed over by descriptor as a cell gets them. */
export function runFiltered(starter: Starter, filters: readonly Uint8Array[], argv: readonly string[]): Run {
  const folder = tempFolder();
  const descriptors = filters.map((program, index) => {
    const file = path.join(folder, `filter-${index}`);
    writeFileSync(file, program);
    const descriptor = openSync(file, "r");
    onTestFinished(() => closeSync(descriptor));
    return descriptor;
  });
  const added = descriptors.flatMap((_, index) => ["--add-seccomp-fd", String(3 + index)]);
  const [program = "bwrap", ...words] = [...starter.prefix, "bwrap", ...added, ...argv];
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    stdio: ["ignore", "pipe", "pipe", ...descriptors],
    encoding: "utf8",
    timeout: 50_000,
  });
  if (error !== undefined) throw error;
  return { code: status, output: stdout, errors: stderr };
}
