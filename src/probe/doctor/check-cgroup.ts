import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { type CgroupLayout, parseCgroupLayout } from "../cgroup-layout.ts";
import type { Check, Examination, Finding } from "./examination.ts";
import { maySeeOthers } from "./own-capabilities.ts";
import { type Trial, tryMemory, tryProcesses } from "./try-cgroup.ts";

/** What came of the trials, by limit. */
export interface CgroupTrials {
  readonly memory: Trial;
  readonly swap: Trial;
  readonly processes: Trial;
}

const joined = (names: readonly string[]) =>
  names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** `memory limit works, swap limit does not`, with the reasons behind. */
export function tellTrials(trials: CgroupTrials): string {
  const names = Object.entries({ memory: trials.memory, swap: trials.swap, process: trials.processes });
  const working = names.filter(([, trial]) => trial.works).map(([name]) => name);
  const failing = names.filter(([, trial]) => !trial.works).map(([name]) => name);
  const verb = (count: number, one: string, many: string) =>
    count === 1 ? `limit ${one}` : `limits ${many}`;
  if (failing.length === 0) return `${joined(working)} limits work`;
  const whys = [...new Set(names.flatMap(([, trial]) => (trial.works ? [] : [trial.why])))];
  if (working.length === 0) return `no limit works, so they are watched (${whys.join("; ")})`;
  const first = `${joined(working)} ${verb(working.length, "works", "work")}, `;
  const second = `${joined(failing)} ${verb(failing.length, "does not", "do not")}`;
  return `${first}${second} (${whys.join("; ")})`;
}

/** A person's systemd delegates a group of its own to whoever asks. */
function remedyFor(examination: Examination, version: 1 | 2): string {
  const runtime = examination.env["XDG_RUNTIME_DIR"];
  const hasSystemd = runtime !== undefined && existsSync(path.join(runtime, "systemd/private"));
  if (version === 2 && examination.uid !== 0 && hasSystemd)
    return "Start Workcell in a group of its own: systemd-run --user --scope -p Delegate=yes workcell doctor";
  if (version === 2 && examination.uid === 0)
    return "Let groups have the controllers: echo '+memory +pids' > /sys/fs/cgroup/cgroup.subtree_control";
  if (examination.uid !== 0)
    return "Use a system with cgroup v2 and systemd, which delegates groups to users, or run Workcell as root";
  return "Add cgroup_enable=memory swapaccount=1 to the kernel's command line";
}

function readLayout(): CgroupLayout {
  return parseCgroupLayout(
    readFileSync("/proc/self/cgroup", "utf8"),
    readFileSync("/proc/self/mountinfo", "utf8"),
  );
}

async function examine(examination: Examination): Promise<Finding> {
  const { memory, pids } = readLayout();
  const place = memory ?? pids;
  if (place === undefined)
    return { status: "weaker", found: "cgroups: none mounted", remedy: "Mount cgroup2 at /sys/fs/cgroup" };
  const absent: Trial = { works: false, why: "the controller is in no hierarchy" };
  const [limits, processes] = await Promise.all([
    memory === undefined ? { memory: absent, swap: absent } : tryMemory(examination, memory),
    pids === undefined ? absent : tryProcesses(examination, pids),
  ]);
  const trials = { ...limits, processes };
  const found = `cgroup v${place.version}: ${tellTrials(trials)}`;
  if (Object.values(trials).every((trial) => trial.works)) return { status: "ok", found };
  if (!trials.memory.works && examination.uid === 0 && !maySeeOthers())
    return {
      status: "missing",
      found: `${found}; and root may not look into a cell's processes (it lacks CAP_SYS_PTRACE)`,
      remedy:
        "Give the container that capability (--cap-add SYS_PTRACE), or run Workcell as an ordinary user of it",
    };
  return { status: "weaker", found, remedy: remedyFor(examination, place.version) };
}

/** cgroups: a group is made, its limits are set, a program is killed by one and kept from forking by another. */
export const checkCgroup: Check = {
  id: "cgroup",
  title: "cgroups",
  needed: "a group of one's own with memory, swap and process limits",
  without: "The kernel does not hold a cell's limits of that kind; Workcell looks, and ends what passes one",
  examine,
};
