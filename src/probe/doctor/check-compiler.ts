import { accessSync, constants } from "node:fs";
import path from "node:path";
import type { Check, Examination, Finding } from "./examination.ts";
import { installRemedy } from "./install-remedy.ts";
import { withFolder } from "./lent-folder.ts";

function isBuilt(cellhost: string): boolean {
  try {
    accessSync(cellhost, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function compile(examination: Examination, compiler: string): Promise<string> {
  return withFolder(async (folder) => {
    const program = path.join(folder, "answer");
    const input = "int main(void) { return 42; }\n";
    const built = await examination.run(compiler, ["-x", "c", "-o", program, "-"], { input });
    if (built.code !== 0)
      return built.failure ?? (built.stderr.trim().split("\n")[0] || "no program came of it");
    const result = await examination.run(program, []);
    // A /tmp that executes nothing says nothing of the compiler.
    return result.code === 42 || result.failure === "EACCES" ? "" : "its program gives the wrong answer";
  });
}

async function examine(examination: Examination): Promise<Finding> {
  const compiler = ["cc", "gcc", "clang"].map(examination.find).find((file) => file !== undefined);
  const failure = compiler === undefined ? "none on PATH" : await compile(examination, compiler);
  if (failure === "") return { status: "ok", found: `compiler: ${compiler} builds a program that runs` };
  const found = compiler === undefined ? `compiler: ${failure}` : `compiler: ${compiler} fails: ${failure}`;
  if (isBuilt(examination.cellhost))
    return { status: "ok", found: `${found}; the native programs are built already` };
  const status = examination.uid === 0 ? ("missing" as const) : ("weaker" as const);
  return { status, found, remedy: installRemedy(examination, "gcc") };
}

/** A compiler: a program is compiled and run. */
export const checkCompiler: Check = {
  id: "compiler",
  title: "compiler",
  needed: "a C compiler, or native programs that are built already",
  without: "The native programs cannot be built: root starts no cell, other users do",
  examine,
};
