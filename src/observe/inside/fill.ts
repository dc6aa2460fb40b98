import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { openSync, readFileSync, writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { said } from "./attempt.ts";
import type { Fill } from "./task.ts";

const PAGE_BYTES = 4096;

/** Takes so many bytes more, or throws. */
type Take = (bytes: number) => void;

/** Memory is in use once every page of it was written to. */
function fillMemory(): Take {
  const taken: Buffer[] = [];
  return (bytes) => {
    const more = Buffer.allocUnsafeSlow(bytes);
    for (let at = 0; at < bytes; at += PAGE_BYTES) more[at] = 1;
    taken.push(more);
  };
}

const filler = () => `${process.env["HOME"] ?? "/tmp"}/workcell-fill`;

function writeDisk(): Take {
  const file = openSync(filler(), "wx", 0o600);
  return (bytes) => {
    // What no file system can compress. A write that ends early has met the end of the disk.
    if (writeSync(file, randomBytes(bytes)) < bytes) throw new Error("ENOSPC");
  };
}

/** Blocks that are reserved count as used, and cost no writing: a disk of many GB is full in an instant. */
function allocateDisk(): Take {
  let end = 0;
  return (bytes) => {
    const range = ["-o", `${end}`, "-l", `${bytes}`];
    const { status, stderr, error } = spawnSync("fallocate", [...range, filler()], { encoding: "utf8" });
    if (error !== undefined) throw error;
    if (status !== 0) throw new Error(/No space left/.test(stderr) ? "ENOSPC" : stderr.trim());
    end += bytes;
  };
}

const takers = { memory: fillMemory, disk: writeDisk, allocation: allocateDisk };

function swappedBytes(): number {
  const found = /^VmSwap:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(found?.[1] ?? 0) * 1024;
}

/** Takes more and more, and tells after each step how much it has: it may be ended at any moment. */
export async function fill(task: Fill, tell: (what: object) => void): Promise<void> {
  const take = takers[task.what]();
  let [reachedBytes, error] = [0, ""];
  for (const step of task.stepsBytes) {
    for (error = ""; error === "" && reachedBytes + step <= task.mostBytes; ) {
      try {
        take(step);
        reachedBytes += step;
      } catch (refusal) {
        error = said(refusal);
      }
      tell({ reachedBytes, swappedBytes: swappedBytes(), error });
    }
  }
  if (error === "") await wait(task.heldMs);
  else process.exitCode = 1;
}
