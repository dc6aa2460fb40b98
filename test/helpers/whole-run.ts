import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** The folder in which a whole run keeps what several test files need. */
    readonly wholeRun: string;
  }
}

/** Makes that folder; Vitest calls this before a run's first file, and what it gives back after the last one. */
export function setup(project: TestProject): () => void {
  const folder = mkdtempSync(path.join(os.tmpdir(), "workcell-tests-"));
  chmodSync(folder, 0o755);
  project.provide("wholeRun", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
