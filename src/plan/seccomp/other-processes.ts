import { names } from "./call-names.ts";
import type { Condition, Rule } from "./rule.ts";

const prioProcess = 0;
const ioprioWhoProcess = 1;

const setModeFilter = 1;
const newListener = 8;

const notOneself: Condition = { argument: 0, name: "pid", notIn: [0] };

/**
 * What a command may not do to processes beside it: PIDs 1 to 4 carry its uid, and are Workcell's.
 *
 * Limits and memory are set of oneself alone, which is said by pid 0. The scheduler's calls cannot be held to that:
 * libc gives them the number of a thread (pthread_setaffinity_np, pthread_setschedparam, setpriority of a thread), and
 * no filter knows which threads are the caller's own. There the helpers are refused by number, and groups and users,
 * which take the helpers in.
 */
export function otherProcesses(helpers: readonly number[]): readonly Rule[] {
  const reason = "the cell's helpers are not the command's to slow down or starve";
  return [
    {
      calls: names("prlimit64 migrate_pages move_pages get_robust_list"),
      when: [notOneself],
      answer: "refuse",
      reason,
    },
    {
      calls: names("sched_setaffinity sched_setscheduler sched_setparam sched_setattr"),
      when: [{ argument: 0, name: "pid", in: helpers }],
      answer: "refuse",
      reason,
    },
    {
      calls: ["setpriority", "ioprio_set"],
      when: [{ argument: 1, name: "who", in: helpers }],
      answer: "refuse",
      reason,
    },
    {
      calls: ["setpriority"],
      when: [{ argument: 0, name: "which", notIn: [prioProcess] }],
      answer: "refuse",
      reason,
    },
    {
      calls: ["ioprio_set"],
      when: [{ argument: 0, name: "which", notIn: [ioprioWhoProcess] }],
      answer: "refuse",
      reason,
    },
    {
      calls: ["seccomp"],
      when: [
        { argument: 0, name: "operation", in: [setModeFilter] },
        { argument: 1, name: "flags", any: newListener },
      ],
      answer: "refuse",
      reason: "a listener could answer calls in the place of Workcell's",
    },
  ];
}
