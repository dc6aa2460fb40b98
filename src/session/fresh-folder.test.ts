import { statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { makeFreshFolder } from "./fresh-folder.ts";

test("makeFreshFolder() makes a folder once, and takes nothing else for one", () => {
  const place = tempFolder();
  const [folder, file] = [path.join(place, "folder"), path.join(place, "file")];
  writeFileSync(file, "");
  expect([folder, folder, file].map(makeFreshFolder)).toEqual([true, false, false]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(() => makeFreshFolder(path.join(file, "below"))).toThrow("ENOTDIR");
});
