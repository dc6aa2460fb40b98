import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import path from "node:path";
import { tempFolder } from "./temp-folder.ts";

/** Compiles a program of test/fixtures, for anybody to run; it goes with the test. */
export function compileFixture(name: string): string {
  const folder = tempFolder();
  chmodSync(folder, 0o755);
  const program = path.join(folder, name);
  const source = path.resolve(import.meta.dirname, `../fixtures/${name}.c`);
  execFileSync("gcc", ["-O1", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
  return program;
}
