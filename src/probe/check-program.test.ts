import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { checkProgram } from "./check-program.ts";

function makeProgram() {
  const folder = tempFolder();
  const [program, cacheFolder] = [path.join(folder, "sealer"), path.join(folder, "cache")];
  writeFileSync(program, "bytes");
  writeFileSync(`${program}.sha256`, `${createHash("sha256").update("bytes").digest("hex")}\n`);
  return { program, cacheFolder, check: () => checkProgram({ program, cacheFolder }) };
}

test("checkProgram() takes what the build made, and remembers it", () => {
  const { check, cacheFolder } = makeProgram();
  check();
  expect(readdirSync(cacheFolder)).toEqual(["sealer.json"]);
  check();
});

test("checkProgram() refuses another byte of the same length and time, also after it was found whole", async () => {
  const { program, check } = makeProgram();
  const { atime, mtime } = statSync(program);
  check();
  writeFileSync(program, "bytez");
  utimesSync(program, atime, mtime);
  expect(await failureOf(check)).toMatchObject({
    code: "WC_LAUNCH",
    message: expect.stringContaining(`"${program}" is not what Workcell's build made: its SHA-256 is `),
    remedy: "Build it again: npm run build",
  });
  writeFileSync(program, "bytes");
  check();
});

test.each(["", ".sha256"])("checkProgram() refuses a program whose file NAME%s is gone", async (ending) => {
  const { program, check } = makeProgram();
  check();
  rmSync(program + ending);
  expect(await failureOf(check)).toEqual({
    code: "WC_MISSING_TOOL",
    message: `Cannot start a cell: "${program}${ending}" is a part of Workcell, and it is not there`,
    remedy: "Build it again: npm run build",
  });
});
