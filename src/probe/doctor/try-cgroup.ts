import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../../errors/index.ts";
import { type CgroupPlace, parentsOf } from "../cgroup-layout.ts";
import type { Examination } from "./examination.ts";

/** How a limit did: it works, or the reason why it does not. */
export type Trial = { readonly works: true } | { readonly works: false; readonly why: string };

const works: Trial = { works: true };
const fails = (why: string): Trial => ({ works: false, why });

const limitBytes = 16 * 1024 * 1024;

/** Writes a limit and reads it back. */
function setLimit(group: string, file: string, value: number): Trial {
  const name = path.join(group, file);
  if (!existsSync(name)) return fails("the kernel does not account for it");
  try {
    writeFileSync(name, String(value));
  } catch (error) {
    return fails(codeOf(error) ?? String(error));
  }
  const kept = readFileSync(name, "utf8").trim();
  return kept === String(value) ? works : fails(`it reads back as ${kept}`);
}

/** A group is busy for a moment after its last process has ended. */
async function removeGroup(group: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      if (codeOf(error) !== "EBUSY") return;
      await sleep(10);
    }
  }
}

/** Makes a group with the controller in it, lends it, and removes it; resolves to the reason when there is none. */
async function withGroup<T>(
  place: CgroupPlace,
  file: string,
  use: (group: string) => Promise<T>,
): Promise<T | string> {
  let why = `no group with ${file} can be made`;
  for (const parent of parentsOf(place)) {
    const group = path.join(parent, `workcell-doctor-${randomBytes(6).toString("hex")}`);
    try {
      mkdirSync(group);
    } catch (error) {
      why = `no group can be made here (${codeOf(error)})`;
      continue;
    }
    try {
      if (existsSync(path.join(group, file))) return await use(group);
    } finally {
      await removeGroup(group);
    }
  }
  return why;
}

/** Starts a shell that goes into the group before it becomes the given command. */
function runInGroup(examination: Examination, group: string, script: string) {
  const enter = 'echo $$ > "$1/cgroup.procs" || exit 9';
  return examination.run("/bin/sh", ["-c", `${enter}; ${script}`, "sh", group]);
}

export interface MemoryTrials {
  readonly memory: Trial;
  readonly swap: Trial;
}

/** Memory: a program that wants four times its limit has to be killed. Swap: the limit has to be kept. */
export async function tryMemory(examination: Examination, place: CgroupPlace): Promise<MemoryTrials> {
  const [limit, swapLimit] =
    place.version === 2
      ? ["memory.max", "memory.swap.max"]
      : ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"];
  const result = await withGroup(place, limit, async (group): Promise<MemoryTrials> => {
    const memory = setLimit(group, limit, limitBytes);
    // Version 1 counts memory and swap together, version 2 swap alone.
    const swap = setLimit(group, swapLimit, place.version === 2 ? 0 : limitBytes);
    if (!memory.works) return { memory, swap };
    const hungry = await runInGroup(examination, group, "exec dd if=/dev/zero of=/dev/null bs=64M count=1");
    if (hungry.signal === "SIGKILL" && !hungry.timedOut) return { memory, swap };
    const why =
      hungry.code === 9 ? "no process can be put into the group" : "a program above the limit was not killed";
    return { memory: fails(why), swap };
  });
  return typeof result === "string" ? { memory: fails(result), swap: fails(result) } : result;
}

/** Processes: a shell that is one already must not be able to fork. */
export async function tryProcesses(examination: Examination, place: CgroupPlace): Promise<Trial> {
  const result = await withGroup(place, "pids.max", async (group): Promise<Trial> => {
    const limit = setLimit(group, "pids.max", 1);
    if (!limit.works) return limit;
    const forking = await runInGroup(examination, group, "echo in; (:); echo forked");
    if (forking.stdout.trim() === "in") return works;
    return fails(
      forking.code === 9 ? "no process can be put into the group" : "a process above the limit was started",
    );
  });
  return typeof result === "string" ? fails(result) : result;
}
