import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { takeAway } from "./take-away.ts";

test("takeAway() removes folders that not even their owner may read", () => {
  const folder = path.join(tempFolder(), "home");
  mkdirSync(path.join(folder, "locked/deep"), { recursive: true });
  writeFileSync(path.join(folder, "locked/deep/file"), "");
  for (const place of ["locked/deep", "locked", "."]) chmodSync(path.join(folder, place), 0);
  takeAway(folder);
  expect(existsSync(folder)).toBe(false);
});

test("takeAway() removes a tree that is deeper than a path can be long", () => {
  const folder = path.join(tempFolder(), "home");
  mkdirSync(folder);
  const name = "d".repeat(200);
  const script = `for i in {1..40}; do mkdir ${name}; cd ${name}; done; touch file`;
  expect(spawnSync("bash", ["-c", script], { cwd: folder }).status).toBe(0);
  takeAway(folder);
  expect(existsSync(folder)).toBe(false);
});

test("takeAway() removes links, and leaves what they lead to as it is", () => {
  const root = tempFolder();
  const [folder, other] = [path.join(root, "home"), path.join(root, "other")];
  for (const place of [folder, other, `${folder}/locked`]) mkdirSync(place);
  writeFileSync(`${other}/file`, "kept", { mode: 0o400 });
  chmodSync(other, 0o711);
  for (const place of [`${folder}/link`, `${folder}/locked/link`]) symlinkSync(other, place);
  chmodSync(`${folder}/locked`, 0);
  takeAway(folder);
  expect([existsSync(folder), readFileSync(`${other}/file`, "utf8"), statSync(other).mode & 0o777]).toEqual([
    false,
    "kept",
    0o711,
  ]);
});

test("takeAway() has nothing to do where nothing is", () => {
  expect(takeAway(path.join(tempFolder(), "none"))).toBe(undefined);
});
