import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, writeFileSync } from "node:fs";
import path from "node:path";
import { escapeAttempts } from "./attempts.ts";

const identifier = (id: string) => id.replace(/\W/g, "_");

/** A text as C writes it. */
const literal = (text: string) => `"${text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;

function includeFile(): string {
  const functions = escapeAttempts.map((attempt) => {
    const body = "c" in attempt ? attempt.c : `return shell(${literal(attempt.sh)});`;
    return `static int ${identifier(attempt.id)}(void) {\n${body}\n}\n`;
  });
  const rows = escapeAttempts.map(
    ({ id, alone }) => `    {"${id}", ${identifier(id)}, ${alone === undefined ? 0 : 1}},`,
  );
  return [...functions, "static const struct attempt attempts[] = {", ...rows, "};", ""].join("\n");
}

/** Compiles all attempts into one program, for anybody to run: `fixtures` is where escape-driver.c is. */
export function compileEscapes(folder: string, fixtures: string): string {
  for (const name of ["escape-driver.c", "escape-victim.h"])
    cpSync(path.join(fixtures, name), path.join(folder, name));
  writeFileSync(path.join(folder, "escape-attempts.inc"), includeFile());
  const program = path.join(folder, "escape");
  const warnings = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-result",
    "-Wno-unused-function",
    "-Wno-format-truncation",
    "-Wno-misleading-indentation",
    "-Wno-cast-function-type",
  ];
  execFileSync(
    "gcc",
    ["-O1", ...warnings, "-o", program, path.join(folder, "escape-driver.c"), "-pthread", "-lrt"],
    {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  chmodSync(program, 0o755);
  return program;
}
