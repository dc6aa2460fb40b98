import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";

/** A fresh folder, by its real path, that goes with the test. */
export function tempFolder(): string {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "workcell-test-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
