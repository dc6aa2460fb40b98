import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseFlags } from "../parse-flags.ts";
import { runFlags } from "../run-in-cell.ts";
import { keepFlags } from "./kept-flags.ts";

test.each([
  [".", "/work"],
  [".:rw", "/work:rw"],
  ["./", "/work"],
  ["./src:ro", "/work/src:ro"],
  ["src", "/work/src"],
  [".hidden", "/work/.hidden"],
  ["..", "/work/.."],
  ["src=.,mode=ro", "src=/work,mode=ro"],
  ["/srv:ro", "/srv:ro"],
  ["~/x", "~/x"],
])("a folder named %s is kept as %s, for runs from anywhere", (named, kept) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "kept-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const command = { name: "x", summary: "", usage: "", flags: runFlags, example: "", run: async () => 0 };
  const file = path.join(folder, "flags.json");
  keepFlags(file, parseFlags(command, ["--mount", named]).flags, "/work");
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ flags: { mount: [kept] } });
});
