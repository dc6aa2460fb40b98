import { chmodSync } from "node:fs";
import path from "node:path";
import { compile } from "./made-once.ts";
import { tempFolder } from "./temp-folder.ts";

const fixtures = path.resolve(import.meta.dirname, "../fixtures");

/** Compiles a program of test/fixtures, for anybody to run; it goes with the test. */
export function compileFixture(name: string): string {
  const folder = tempFolder();
  chmodSync(folder, 0o755);
  return compileFixtureTo(path.join(folder, name), name);
}

/** Compiles a program of test/fixtures into a file; `flags` come besides the usual ones. */
export function compileFixtureTo(program: string, name: string, flags: readonly string[] = []): string {
  const words = ["gcc", "-O1", "-Wall", "-Wextra", "-Werror", ...flags];
  compile(program, { words, sources: [path.join(fixtures, `${name}.c`)] });
  return program;
}
