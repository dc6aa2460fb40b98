import { execFileSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { readBoundedFile } from "./read-bounded-file.ts";

function fileOf(bytes: number): string {
  const file = path.join(tempFolder(), "file");
  writeFileSync(file, "x".repeat(bytes));
  return file;
}

test.each([0, 1, 65_535, 65_536, 65_537, 100_000])("readBoundedFile() reads %i of 100,000 bytes", (bytes) => {
  expect(readBoundedFile(fileOf(bytes), { limitBytes: 100_000 })?.toString()).toBe("x".repeat(bytes));
});

test("readBoundedFile() gives nothing of a file one byte above the limit, or without an end", () => {
  expect(readBoundedFile(fileOf(100_001), { limitBytes: 100_000 })).toBe(undefined);
  expect(readBoundedFile("/dev/zero", { limitBytes: 100_000 })).toBe(undefined);
});

test("readBoundedFile() follows a link, unless a plain file is asked for", () => {
  const link = path.join(tempFolder(), "link");
  symlinkSync(fileOf(3), link);
  expect(readBoundedFile(link, { limitBytes: 10 })?.toString()).toBe("xxx");
  expect(() => readBoundedFile(link, { limitBytes: 10, plainFile: true })).toThrow(
    expect.objectContaining({ code: "ELOOP" }),
  );
});

test("readBoundedFile() does not wait at a pipe where a plain file is asked for", () => {
  const pipe = path.join(tempFolder(), "pipe");
  execFileSync("mkfifo", [pipe]);
  expect(readBoundedFile(pipe, { limitBytes: 10, plainFile: true })).toBe(undefined);
});
