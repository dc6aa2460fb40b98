import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { startTime } from "../launch/index.ts";
import { withSessionLock } from "./session-lock.ts";

const locks = (state: string) => readdirSync(path.join(state, "locks"));

test("withSessionLock() gives the lock back, whatever happens under it", () => {
  const state = tempFolder();
  expect(withSessionLock(state, "calm-curie", () => locks(state))).toEqual([
    `calm-curie.1.${process.pid}.${startTime(process.pid)}`,
  ]);
  const fail = () => {
    throw new Error("no");
  };
  expect(() => withSessionLock(state, "calm-curie", fail)).toThrow("no");
  expect(locks(state)).toEqual([]);
});

test("withSessionLock() does not wait for a Workcell that has ended, nor for another session's", () => {
  const state = tempFolder();
  mkdirSync(path.join(state, "locks"));
  const others = `busy.1.${process.ppid}.${startTime(process.ppid)}`;
  for (const file of ["calm-curie.1.4194305.100", `calm-curie.2.${process.pid}.1`, others])
    writeFileSync(path.join(state, "locks", file), "");
  expect(withSessionLock(state, "calm-curie", () => 7)).toBe(7);
  expect(locks(state)).toEqual([others]);
});

/** Adds one to a number in a file 40 times: without a lock some of them are lost. */
const counting = `
const [module, state, file] = process.argv.slice(1);
const { withSessionLock } = await import(module);
const { readFileSync, writeFileSync } = await import("node:fs");
for (let times = 0; times < 40; times++) {
  withSessionLock(state, "calm-curie", () => {
    const before = Number(readFileSync(file, "utf8"));
    const until = performance.now() + 0.3;
    while (performance.now() < until);
    writeFileSync(file, String(before + 1));
  });
}
`;

test("withSessionLock() lets one process in at a time", async () => {
  const state = tempFolder();
  const file = path.join(state, "number");
  writeFileSync(file, "0");
  const bundle = path.join(state, "lock.mjs");
  const { build } = await import("esbuild");
  const entry = path.join(import.meta.dirname, "session-lock.ts");
  await build({ entryPoints: [entry], bundle: true, platform: "node", format: "esm", outfile: bundle });
  const ended = Array.from({ length: 4 }, () =>
    once(
      spawn(process.execPath, ["--input-type=module", "-e", counting, bundle, state, file], {
        stdio: ["ignore", "ignore", "inherit"],
      }),
      "exit",
    ),
  );
  expect((await Promise.all(ended)).map(([code]) => code)).toEqual([0, 0, 0, 0]);
  expect([readFileSync(file, "utf8"), locks(state)]).toEqual(["160", []]);
});
