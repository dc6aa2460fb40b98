import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { writeFileAtomic } from "./atomic-file.ts";

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

test("writeFileAtomic() makes the file and its folders for this user alone", async () => {
  const file = path.join(tempFolder(), "a/b/file");
  await writeFileAtomic(file, "new", { mode: 0o600 });
  expect([readFileSync(file, "utf8"), modeOf(file), modeOf(path.dirname(file))]).toEqual([
    "new",
    "600",
    "700",
  ]);
});

test("writeFileAtomic() replaces the content and the permissions, and leaves no draft", async () => {
  const folder = tempFolder();
  const file = path.join(folder, "file");
  writeFileSync(file, "old", { mode: 0o644 });
  await writeFileAtomic(file, "new", { mode: 0o600 });
  expect([readFileSync(file, "utf8"), modeOf(file), readdirSync(folder)]).toEqual(["new", "600", ["file"]]);
});

test("writeFileAtomic() replaces a link, and leaves what it points to alone", async () => {
  const folder = tempFolder();
  const [file, other] = [path.join(folder, "file"), path.join(folder, "other")];
  writeFileSync(other, "old");
  symlinkSync(other, file);
  await writeFileAtomic(file, "new", { mode: 0o600 });
  expect([readFileSync(file, "utf8"), readFileSync(other, "utf8")]).toEqual(["new", "old"]);
});

test("writeFileAtomic() leaves no draft when it fails", async () => {
  const folder = tempFolder();
  mkdirSync(path.join(folder, "file/in"), { recursive: true });
  await expect(writeFileAtomic(path.join(folder, "file"), "new", { mode: 0o600 })).rejects.toMatchObject({
    code: "EISDIR",
  });
  expect(readdirSync(folder)).toEqual(["file"]);
});
