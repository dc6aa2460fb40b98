import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { buildFilters } from "../../src/plan/seccomp/index.ts";
import { missing, type Run, runFiltered, type Starter, starters } from "./filtered-bwrap.ts";
import { tempFolder } from "./temp-folder.ts";

/** PID 1 is bwrap; the work has all other numbers. */
const filters = buildFilters(process.arch === "arm64" ? "aarch64" : "x86_64", { helpers: [1] }).map(
  (filter) => filter.program,
);

/** Everyday work of a real program: a script for bash, ending with `done` when all of it went well. */
export interface Work {
  readonly program: string;
  readonly does: string;
  readonly script: string;
  /** A line for the shell that fails where the work cannot be done, and what is missing then. */
  readonly needs?: { readonly check: string; readonly missing: string };
  /** Whether the program's own remarks on stderr say nothing about failure. */
  readonly chatty?: boolean;
}

/** A file of users in which whoever starts the work has a name, as in a cell. */
function usersFile(): string {
  const folder = tempFolder();
  chmodSync(folder, 0o755);
  const file = path.join(folder, "passwd");
  const ids = new Set([0, 54_321, process.getuid?.() ?? 0]);
  writeFileSync(file, [...ids].map((id) => `user${id}:x:${id}:${id}::/tmp:/bin/bash\n`).join(""));
  return file;
}

/** Runs a script of bash in an empty cell under both filters. */
export function runWork(starter: Starter, script: string, words: readonly string[] = []): Run {
  return runFiltered(starter, filters, [
    ...["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp"],
    ...["--clearenv", "--setenv", "PATH", process.env["PATH"] ?? "", "--setenv", "HOME", "/tmp", ...words],
    ...["--ro-bind", usersFile(), "/etc/passwd"],
    ...["bash", "-c", script],
  ]);
}

function absent(work: Work): readonly string[] {
  const programs = missing(["bwrap", "bash", work.program]);
  if (work.needs === undefined || spawnSync("bash", ["-c", work.needs.check]).status === 0) return programs;
  if (process.env["CI"] === "true") throw new Error(`Needed in CI: ${work.needs.missing}`);
  return [...programs, work.needs.missing];
}

/** One test for each work and each who may start it; works that are not wanted are skipped. */
export function testWorks(works: readonly Work[], wanted = true): void {
  const cases = starters.flatMap((starter) => works.map((work) => ({ starter, work, who: starter.name })));
  test.for(cases)("$work.program $work.does, started by $who", ({ starter, work }, { skip }) => {
    skip(!wanted, "a nightly test");
    const lacking = absent(work);
    skip(lacking.length > 0, `not installed here: ${lacking.join(", ")}`);
    const run = runWork(starter, work.script);
    const found = {
      code: run.code,
      last: run.output.trim().split("\n").at(-1),
      errors: work.chatty ? "" : run.errors,
    };
    expect(found, run.errors).toEqual({ code: 0, last: "done", errors: "" });
  });
}
