import { setTimeout as wait } from "node:timers/promises";
import type { InsideView } from "../report/index.ts";
import { fill } from "./inside/fill.ts";
import { readMachine } from "./inside/machine.ts";
import { tryPrivileges } from "./inside/privileges.ts";
import { readProcesses, readStatus } from "./inside/processes.ts";
import { makeBelongings, reach } from "./inside/reach.ts";
import type { Targets, Task } from "./inside/task.ts";
import { tryTraffic } from "./inside/traffic.ts";

/*
 * The half of the observation that runs in a cell, as its command, from standard input. It is one file: it shares no
 * module with the rest of Workcell, whose files the cell does not see.
 */

declare global {
  /** Set by a line in front of this program. */
  var workcellTask: Task;
}

const capabilitySets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] as const;
const OWNER_STAYS_MS = 60_000;

async function look(targets: Targets): Promise<InsideView> {
  // First of all: every connection makes a forwarder fork.
  const processes = readProcesses();
  const status = readStatus();
  const sets = capabilitySets.map((name) => [name, status.get(name) ?? ""]);
  return {
    pid: process.pid,
    processes,
    capabilities: Object.fromEntries(sets) as InsideView["capabilities"],
    noNewPrivs: status.get("NoNewPrivs") ?? "",
    seccomp: status.get("Seccomp") ?? "",
    filters: Number(status.get("Seccomp_filters")),
    ...readMachine(),
    attempts: { ...(await tryTraffic(targets)), ...(await tryPrivileges()) },
  };
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function work(task: Task): Promise<void> {
  switch (task.kind) {
    case "look":
      return print(await look(task.targets));
    case "stay": {
      const belongings = await makeBelongings(task.mark);
      print({ belongings, reached: await reach(belongings) });
      await wait(OWNER_STAYS_MS);
      return;
    }
    case "reach":
      return print(await Promise.all(task.belongings.map(reach)));
    case "fill":
      return fill(task, print);
  }
}

await work(globalThis.workcellTask);
