import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { workplace } from "../../../test/helpers/agent-tools.ts";
import { until } from "../../../test/helpers/run-workcell.ts";
import { bash } from "./bash.ts";

const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

test("Bash gives stdout and stderr in their order, and the exit code when it is not 0", async () => {
  const { call } = workplace();
  expect(await call(bash, { command: "echo a; echo b >&2; echo c" })).toEqual({
    text: "a\nb\nc",
    isError: false,
  });
  expect(await call(bash, { command: "echo no; exit 3" })).toEqual({
    text: "no\n[Exit code 3]",
    isError: true,
  });
  expect(await call(bash, { command: "true" })).toEqual({ text: "[No output]", isError: false });
  expect((await call(bash, { command: "kill -9 $$" })).text).toBe("[Ended by SIGKILL]");
});

test("Bash has no input to wait for", async () => {
  const { call } = workplace();
  expect((await call(bash, { command: "cat; read x; echo read $?" })).text).toBe("read 1");
});

test("Bash stays in the folder that cd led to, and comes back when that is gone", async () => {
  const { call, folder } = workplace();
  mkdirSync(path.join(folder, "in"));
  expect((await call(bash, { command: "set -- x; cd in" })).text).toBe(`[The folder is now ${folder}/in]`);
  expect((await call(bash, { command: "pwd; exit 0" })).text).toBe(`${folder}/in`);
  rmSync(path.join(folder, "in"), { recursive: true });
  await expect(call(bash, { command: "pwd" })).rejects.toThrow("is gone");
  expect((await call(bash, { command: "pwd" })).text).toBe(folder);
});

test("Bash ends a command after its time, with all that it started", async () => {
  const { call } = workplace();
  const { text, isError } = await call(bash, { command: "sleep 600 & echo $!; sleep 600", timeout: 300 });
  expect(text).toMatch(/^\d+\n\[Timed out after 300 ms, and was ended with all that it started\]$/);
  expect(isError).toBe(true);
  await until(() => !isAlive(Number.parseInt(text, 10)), 2000);
});

test("Bash ends a command that the person interrupts, even one that holds SIGTERM off", async () => {
  const { call } = workplace();
  const stop = new AbortController();
  const answer = call(bash, { command: "trap '' TERM; echo on; sleep 600; sleep 600" }, stop.signal);
  setTimeout(() => stop.abort(), 300);
  expect((await answer).text).toBe("on\n[Interrupted by the person]");
});

test("Bash shows beginning and end of a long output, says what is missing, and keeps all of it", async () => {
  const { call } = workplace();
  const { text } = await call(bash, { command: "seq 1 100000" });
  expect(text.length).toBeLessThan(31_000);
  const [, missing, total, file = ""] =
    /\[(\d+) of (\d+) bytes are left out here; all of it is in (\S+):/.exec(text) ?? [];
  expect([text.startsWith("1\n2\n"), text.endsWith("99999\n100000")]).toEqual([true, true]);
  expect([Number(missing), Number(total)]).toEqual([588_895 - 30_000, 588_895]);
  await until(() => readFileSync(file).length === 588_895, 2000);
});

test("Bash bounds what it keeps of an output without an end, and says so", async () => {
  const { call } = workplace();
  const { text } = await call(bash, { command: "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last" });
  expect(text).toContain("of 100000006 bytes are left out here; the first 67108864 bytes are in");
  expect(text.endsWith("x\nlast")).toBe(true);
  const [, file = ""] = / bytes are in (\S+):/.exec(text) ?? [];
  await until(() => statSync(file).size === 67_108_864, 5000);
});

test("Bash does not wait for what a command leaves behind", async () => {
  const { call, place } = workplace();
  const { text } = await call(bash, { command: "sleep 600 & echo $!" });
  expect(isAlive(Number(text))).toBe(true);
  process.kill(Number(text));
  expect(place.shells.takeFinished()).toEqual([]);
});

test("Bash leaves a command running: its output grows in a file, its end is told, its group can be ended", async () => {
  const { call, place } = workplace();
  const command = "echo begun; sleep 600";
  const { text } = await call(bash, { command, run_in_background: true });
  const [, id = "", file = ""] = /process group (\d+)\. Its output grows in (\S+)\./.exec(text) ?? [];
  await until(() => existsSync(file) && readFileSync(file, "utf8") === "begun\n", 5000);
  await call(bash, { command: `kill -- -${id}` });
  const told: string[] = [];
  await until(() => told.push(...place.shells.takeFinished()) > 0, 5000);
  expect(told).toEqual([
    `Background command ${id} ("${command}") has ended: SIGTERM. Its output, 6 bytes, is in ${file}`,
  ]);
});

test("closing the place ends what still runs", async () => {
  const { call, place } = workplace();
  const { text } = await call(bash, { command: "sleep 600", run_in_background: true });
  const id = Number(/process group (\d+)/.exec(text)?.[1]);
  expect(isAlive(id)).toBe(true);
  place.close();
  await until(() => !isAlive(id), 2000);
});

test("Bash says that there is no bash", async () => {
  const { call } = workplace({ PATH: "/nonexistent" });
  await expect(call(bash, { command: "true" })).rejects.toThrow("bash is not in PATH");
});
