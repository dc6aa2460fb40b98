import { execFileSync } from "node:child_process";
import { existsSync, linkSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { openPersonFile } from "./person-file.ts";

test("openPersonFile() replaces and appends, and ends a line that had no end", () => {
  const cwd = tempFolder();
  writeFileSync(path.join(cwd, "log"), "half");
  const log = openPersonFile("log", "--audit", cwd);
  log.append("one\n");
  log.append("two\n");
  log.close();
  expect(readFileSync(path.join(cwd, "log"), "utf8")).toBe("half\none\ntwo\n");
  const outcome = openPersonFile("log", "--outcome", cwd);
  outcome.replace("{}\n");
  outcome.close();
  expect(readFileSync(path.join(cwd, "log"), "utf8")).toBe("{}\n");
});

test("openPersonFile() writes to the file it opened, whatever takes its name meanwhile", () => {
  const cwd = tempFolder();
  const [place, victim] = [path.join(cwd, "out"), path.join(cwd, "victim")];
  writeFileSync(victim, "mine");
  const file = openPersonFile("out", "--outcome", cwd);
  linkSync(place, path.join(cwd, "kept"));
  symlinkSync(victim, path.join(cwd, "next"));
  renameSync(path.join(cwd, "next"), place);
  file.replace("{}");
  file.close();
  expect([readFileSync(victim, "utf8"), readFileSync(path.join(cwd, "kept"), "utf8")]).toEqual([
    "mine",
    "{}",
  ]);
});

test("openPersonFile() refuses links, pipes and folders, and takes away only what it made", async () => {
  const cwd = tempFolder();
  writeFileSync(path.join(cwd, "there"), "x");
  symlinkSync("there", path.join(cwd, "link"));
  execFileSync("mkfifo", [path.join(cwd, "pipe")]);
  for (const name of ["link", "pipe", ".", "none/out"])
    expect((await failureOf(() => openPersonFile(name, "--outcome", cwd))).code).toBe("WC_USAGE");
  for (const name of ["there", "new"]) openPersonFile(name, "--outcome", cwd).abandon();
  expect([existsSync(path.join(cwd, "there")), existsSync(path.join(cwd, "new"))]).toEqual([true, false]);
});
