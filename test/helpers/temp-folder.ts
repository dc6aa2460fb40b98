import { mkdtempSync, realpathSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { removeTree } from "./remove-tree.ts";

/** A fresh folder, by its real path, that goes with the test. */
export function tempFolder(): string {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "workcell-test-")));
  onTestFinished(() => removeTree(folder));
  return folder;
}
