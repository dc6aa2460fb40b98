import { expect, test } from "vitest";
import { flawsOf } from "./check-bubblewrap.ts";
import { tellTrials } from "./check-cgroup.ts";
import { judgeSpace } from "./check-disk.ts";
import { judgeLandlock } from "./check-landlock.ts";
import { judgeMachine } from "./check-machine.ts";
import { refusingFilter } from "./check-seccomp.ts";
import { seesOthers } from "./own-capabilities.ts";
import { freeRange, overlapping, parseSubordinate, parseUsers } from "./uid-ranges.ts";

const outside = ["pid:[1]", "net:[2]", "user:[3]", "uts:[4]", "ipc:[5]", "cgroup:[6]"];
const inside = ["pid:[11]", "net:[12]", "user:[13]", "uts:[14]", "ipc:[15]", "cgroup:[16]"];

test("flawsOf() is content with a sandbox of its own", () => {
  expect(flawsOf([...inside, "bwrap", "0000000000000000", "claude"].join("\n"), outside)).toEqual([]);
});

test("flawsOf() names everything that is shared or left", () => {
  const shared = ["pid:[11]", "net:[2]", "user:[13]", "uts:[14]", "none", "cgroup:[16]"];
  expect(flawsOf([...shared, "systemd", "00000000a80425fb", "host"].join("\n"), outside)).toEqual([
    "the net namespace is the host's",
    "the ipc namespace is missing",
    "/proc is not its own",
    "it has capabilities (00000000a80425fb)",
    "its host name could not be set",
  ]);
});

const works = { works: true } as const;
const fails = { works: false, why: "the kernel does not account for it" } as const;

test.each([
  [{ memory: works, swap: works, processes: works }, "memory, swap and process limits work"],
  [
    { memory: works, swap: fails, processes: works },
    "memory and process limits work, swap limit does not (the kernel does not account for it)",
  ],
  [
    { memory: fails, swap: fails, processes: works },
    "process limit works, memory and swap limits do not (the kernel does not account for it)",
  ],
  [
    { memory: fails, swap: fails, processes: fails },
    "no limit works, so they are watched (the kernel does not account for it)",
  ],
])("tellTrials() of case %#", (trials, text) => {
  expect(tellTrials(trials)).toBe(text);
});

test.each([
  ["7", "ok"],
  ["6", "ok"],
  ["5", "weaker"],
  ["0", "weaker"],
  ["ENOSYS", "weaker"],
  ["", "weaker"],
])("judgeLandlock(%j) is %s", (answer, status) => {
  expect(judgeLandlock(answer).status).toBe(status);
});

test.each([
  [{ kernel: "6.8.0-90-generic", arch: "arm64", node: "20.19.0" }, "ok"],
  [{ kernel: "5.4.0", arch: "x64", node: "22.1.0" }, "weaker"],
  [{ kernel: "6.8.0", arch: "x64", node: "20.18.3" }, "missing"],
  [{ kernel: "6.8.0", arch: "riscv64", node: "24.0.0" }, "missing"],
])("judgeMachine(%j) is %s", (machine, status) => {
  expect(judgeMachine(machine).status).toBe(status);
});

test.each([
  [20e9, "ok"],
  [3e9, "weaker"],
  [1e8, "missing"],
])("judgeSpace() of %d bytes is %s", (bytes, status) => {
  expect(judgeSpace("/srv", bytes).status).toBe(status);
});

test("refusingFilter() loads, compares and returns", () => {
  expect(
    [
      ...Buffer.from(refusingFilter([83], 5))
        .toString("hex")
        .matchAll(/.{16}/g),
    ].map(([row]) => row),
  ).toEqual(["2000000000000000", "1500010053000000", "060000000000ff7f", "0600000005000500"]);
});

test("uid ranges: what is taken is found, and a free range named", () => {
  const owned = [
    ...parseSubordinate("ann:100000:65536\n# x\nbob:165536:65536\nnone:5:0\n", "/etc/subuid"),
    ...parseUsers("root:x:0:0::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\n", "/etc/passwd"),
  ];
  const names = (first: number, last: number) =>
    overlapping({ first, last }, owned).map(({ owner }) => owner);
  expect(names(165_535, 165_536)).toEqual(["ann in /etc/subuid", "bob in /etc/subuid"]);
  expect(names(231_072, 240_000)).toEqual([]);
  expect(names(900, 1000)).toEqual(["ann in /etc/passwd"]);
  expect(freeRange({ first: 150_000, last: 150_999 }, owned)).toEqual({ first: 231_072, last: 232_071 });
});

test.each([
  ["CapEff:\t000001ffffffffff\n", true],
  ["CapEff:\t00000000800405fb\n", false],
  ["CapEff:\t0000000000080000\n", true],
  ["", false],
])("seesOthers(%j) is %s", (status, sees) => {
  expect(seesOthers(`Name:\tnode\n${status}`)).toBe(sees);
});
