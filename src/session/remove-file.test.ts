import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeFile } from "./remove-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "workcell-remove-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("removeFile() takes a file away, and is content where there is none", () => {
  const file = path.join(folder, "file");
  writeFileSync(file, "");
  removeFile(file);
  expect(existsSync(file)).toBe(false);
  removeFile(file);
});

test("removeFile() takes a link away, and not what it leads to", () => {
  const [file, link] = [path.join(folder, "file"), path.join(folder, "link")];
  writeFileSync(file, "");
  symlinkSync(file, link);
  removeFile(link);
  expect([existsSync(link), existsSync(file)]).toEqual([false, true]);
});

test("removeFile() takes no folder", () => {
  mkdirSync(path.join(folder, "inner"));
  expect(() => removeFile(path.join(folder, "inner"))).toThrow(/EISDIR|EPERM/);
});
