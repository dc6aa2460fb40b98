import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { folderIdentity, isSameFolder, newDevice } from "./folder-identity.ts";

const keepsBirth = true as const;
const known = { device: "5", inode: "7", born: "9" };

test.each([
  ["the same in all", { ...known }, true],
  ["a device that is numbered anew", { ...known, device: "6" }, true],
  ["another birth on the same device, where births move", { ...known, born: "8" }, true],
  [
    "another birth on a device of the same number, where none moves",
    { ...known, born: "8", keepsBirth },
    false,
  ],
  ["no birth on the same device", { device: "5", inode: "7", keepsBirth }, true],
  ["another device and another birth", { ...known, device: "6", born: "8" }, false],
  ["another device, and no birth known", { device: "6", inode: "7" }, false],
  ["another inode", { ...known, inode: "8" }, false],
])("isSameFolder() of %s", (_, now, is) => {
  expect(isSameFolder(known, now)).toBe(is);
});

test("newDevice() says how the device of a known folder is numbered today", () => {
  const folder = path.join(tempFolder(), "folder");
  mkdirSync(folder);
  const now = folderIdentity(folder);
  expect(now).toMatchObject({ device: `${statSync(folder).dev}`, inode: `${statSync(folder).ino}` });
  expect(newDevice(folder, now)).toBeUndefined();
  expect(newDevice(folder, { ...now, device: "123456" })).toBe(now.device);
  expect(newDevice(folder, { ...now, device: "123456", born: "1" })).toBeUndefined();
  expect(newDevice(`${folder}-gone`, now)).toBeUndefined();
});
