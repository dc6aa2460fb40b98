import { allowedCalls } from "./allowed-calls.ts";
import { refusedCalls } from "./refused-calls.ts";
import type { Rule, RuleSet } from "./rule.ts";

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: the bits that clone() takes. */
const newNamespaces = 0x7e02_0000;

/** CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM: all that unshare() may undo without a new namespace. */
const unshareOwn = 0x0005_0f00;

const setMm = 35;

/** Linux, Linux with 32-bit uname, with UNAME26, both, and the question. The others switch randomisation or protection off. */
const harmlessPersonalities = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/** TIOCSTI, TIOCLINUX, TIOCCONS. */
const terminalInjection = [0x5412, 0x541c, 0x541d];

/** Allowed calls whose arguments ask for something that is not. */
const conditions: readonly Rule[] = [
  {
    calls: ["unshare"],
    when: [{ argument: 0, name: "flags", any: ~unshareOwn >>> 0 }],
    answer: "refuse",
    reason: "a new namespace brings capabilities of its own",
  },
  {
    calls: ["clone"],
    when: [{ argument: 0, name: "flags", any: newNamespaces }],
    answer: "refuse",
    reason: "a new namespace brings capabilities of its own",
  },
  {
    calls: ["prctl"],
    when: [{ argument: 0, name: "option", in: [setMm] }],
    answer: "refuse",
    reason: "PR_SET_MM changes what the process looks like to others",
  },
  {
    calls: ["personality"],
    when: [{ argument: 0, name: "persona", notIn: harmlessPersonalities }],
    answer: "refuse",
    reason: "switches off address randomisation or memory protection",
  },
  {
    calls: ["ioctl"],
    when: [{ argument: 1, name: "op", in: terminalInjection }],
    answer: "refuse",
    reason: "TIOCSTI, TIOCLINUX and TIOCCONS type into, or take over, a terminal",
  },
];

/**
 * The first filter, for all of the cell, Workcell's own helpers included: the allow-list. Each known call stands in one
 * of the lists, so that a denial can say why; a call that a newer table brings is refused until it is decided on.
 */
export const kernelSurface: RuleSet = {
  name: "kernel surface",
  otherwise: "refuse",
  unknown: "enosys",
  rules: [...conditions, ...refusedCalls, ...allowedCalls],
};
