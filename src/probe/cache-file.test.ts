import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { readOwnFile, writeCache } from "./cache-file.ts";

test("writeCache() writes for this user alone, and readOwnFile() reads it", () => {
  const file = path.join(tempFolder(), "made/cache.json");
  writeCache(file, { a: 1 });
  expect(readOwnFile(file)).toBe('{"a":1}\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("writeCache() lets a folder be that cannot be written", () => {
  const file = path.join(tempFolder(), "file");
  writeFileSync(file, "x");
  writeCache(path.join(file, "cache.json"), {});
  expect(readFileSync(file, "utf8")).toBe("x");
});

test("readOwnFile() believes neither what others could have written, nor a link", () => {
  const file = path.join(tempFolder(), "cache.json");
  writeCache(file, { a: 1 });
  symlinkSync("cache.json", `${file}.link`);
  expect(() => readOwnFile(`${file}.link`)).toThrow("ELOOP");
  chmodSync(file, 0o620);
  expect(readOwnFile(file)).toBe("");
});
