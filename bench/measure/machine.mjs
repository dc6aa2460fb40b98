import { readFileSync } from "node:fs";
import os from "node:os";

/** Linux' numbers of scheduling policies, where they change what is measured. */
const policies = ["other", "fifo", "rr", "batch", "iso", "idle", "deadline"];

/** How this process, and with it all that it starts, is scheduled. The name in brackets may hold anything. */
function schedulingPolicy() {
  const [, fields = ""] = /.*\) (.*)/s.exec(readFileSync("/proc/self/stat", "utf8")) ?? [];
  return policies[Number(fields.split(" ")[38])] ?? "unknown";
}

/** What the figures depend on, as far as it is not Workcell. @param {string} node version of the rivals' Node */
export function readMachine(node) {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? "unknown",
    cpus: cpus.length,
    kernel: `${os.type()} ${os.release()} ${os.machine()}`,
    node,
    user: process.getuid?.() === 0 ? "root" : "an ordinary user",
    scheduling: schedulingPolicy(),
    load: os.loadavg()[0] ?? 0,
  };
}

/** @param {ReturnType<typeof readMachine>} machine */
export function machineLine({ cpu, cpus, kernel, node, user, scheduling, load }) {
  return `${cpu}, ${cpus} CPUs; ${kernel}; Node ${node}; ${user}, scheduled ${scheduling}, load ${load.toFixed(2)}`;
}
