import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { childrenOf, innerPid, isAlive, startTime } from "./processes.ts";

/** The highest pid that Linux can ever give, and one more: never alive. */
const DEAD = 4_194_305;

/** A process that stays until it is told to end; its name holds all that could mislead. */
async function child(script = "echo ready; read x") {
  const started = spawn("bash", ["-c", `printf ') R 1 (' > /proc/$$/comm; ${script}`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void started.kill("SIGKILL"));
  await once(started.stdout, "data");
  return { pid: started.pid ?? 0, process: started };
}

test("startTime() tells one process for ever, whatever its name holds", async () => {
  const { pid } = await child();
  expect(readFileSync(`/proc/${pid}/comm`, "utf8")).toBe(") R 1 (\n");
  expect(startTime(pid)).toMatch(/^\d+$/);
  expect(startTime(pid)).toBe(startTime(pid));
  expect(Number(startTime(pid))).toBeGreaterThanOrEqual(Number(startTime(process.pid)));
  expect(startTime(DEAD)).toBe(undefined);
});

test("isAlive() is true until a process ends", async () => {
  const { pid, process: shell } = await child();
  expect([isAlive(pid), isAlive(process.pid), isAlive(DEAD)]).toEqual([true, true, false]);
  const ended = once(shell, "exit");
  shell.kill("SIGKILL");
  await ended;
  expect(isAlive(pid)).toBe(false);
});

test("isAlive() is false for a zombie, that nobody has waited for", async () => {
  // A shell would wait for its child: that one ends only when the shell has become a program that does not.
  const last = 'until read -r name </proc/$$/comm && [ "$name" = sleep ]; do :; done';
  const { process: shell, pid } = await child(`(${last}) & echo started; exec sleep 60`);
  const dead = () => childrenOf(pid).filter((one) => !isAlive(one));
  await vi.waitFor(() => expect(dead()).toHaveLength(1), 15_000);
  const [zombie] = dead();
  expect(readFileSync(`/proc/${zombie}/stat`, "utf8")).toMatch(/\) Z /);
  shell.kill("SIGKILL");
});

test("childrenOf() lists the children of a process, oldest first", async () => {
  const { pid, process: shell } = await child("sleep 60 & sleep 60 & echo $!; read x; kill $(jobs -p)");
  onTestFinished(() => {
    for (const one of childrenOf(pid)) process.kill(one, "SIGKILL");
  });
  const children = childrenOf(pid);
  expect(children.length).toBe(2);
  expect(children.map(Number.isInteger)).toEqual([true, true]);
  expect(childrenOf(process.pid)).toContain(shell.pid);
  expect(childrenOf(DEAD)).toEqual([]);
});

test("innerPid() is the pid itself in one namespace, and none of a process that is gone", () => {
  expect([innerPid(process.pid), innerPid(DEAD)]).toEqual([process.pid, undefined]);
});
