import type { Hold } from "../model/index.ts";
import type { Exhaustion, Observations, UsedUp } from "./observations.ts";
import { type Judge, type Requirement, required, unknown, type Verdict, whenSeen } from "./verdict.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const GB = 1000 ** 3;

/** What a cell of the reference can use. */
const memoryBytes = 2.8 * GIB;
const diskBytes = 10 * GB;

/** What the cell's own processes take, and the file system's tables, before the command has anything. */
const overheadBytes = 160 * MIB;
const tablesPart = 0.06;
const holds: Readonly<Record<Hold, string>> = {
  cgroup: "a control group",
  loop: "a disk of its own",
  rlimit: "a resource limit",
  mask: "the CPU mask",
  watched: "watching",
  host: "the host, which has no more",
  waived: "nothing: it is waived",
};

const gib = (bytes: number) => `${(bytes / GIB).toFixed(2)} GiB`;
const gb = (bytes: number) => `${(bytes / GB).toFixed(2)} GB`;
const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;

type Size = (bytes: number) => string;

/** How it ended, in words: `2.74 GiB filled, then out-of-memory at 2.80 GiB`. */
function endOf({ reachedBytes, error, ended, limit, attempts }: Exhaustion, size: Size): string {
  const named = limit === undefined ? "" : ` at ${size(limit.limitBytes)}`;
  return `${size(reachedBytes)} filled, then ${[error, ended].filter(Boolean).join(", ")}${named}${attempts > 1 ? ` in attempt ${attempts}` : ""}`;
}

interface Limit {
  readonly bytes: number;
  readonly size: Size;
}

/**
 * Where the limit stood. The kernel stops at it; who watches is told a moment late, and what is filled meanwhile
 * measures the machine: then it is the limit that was named at the end.
 */
function notAbove(one: Exhaustion, { bytes, size }: Limit, what: string): Requirement {
  const stood = one.held === "watched" ? (one.limit?.limitBytes ?? Infinity) : one.reachedBytes;
  return { holds: stood <= bytes, otherwise: `more than ${size(bytes)} ${what}` };
}

/** It was ended, and not after much more than it was to have. */
function ended(one: Exhaustion, limit: Limit): Requirement[] {
  return [
    { holds: one.ended === "out-of-memory", otherwise: `${limit.size(limit.bytes)} did not end it` },
    notAbove(one, limit, "can be used"),
  ];
}

function judgeMemory({ small, whole, saidBytes }: UsedUp): Verdict {
  const inSmall = `with a limit of ${mib(small.limitBytes)}: ${endOf(small, mib)}`;
  if (!("seen" in whole)) return unknown(`could not be tried: ${whole.unseen}; ${inSmall}`);
  const least = memoryBytes - overheadBytes;
  const other = Math.abs(saidBytes - memoryBytes) < MIB ? "" : `; the profile gives ${gib(saidBytes)}`;
  return required(
    `${endOf(whole.seen, gib)}, held by ${holds[small.held]}${other}; ${inSmall}`,
    "inside: a program of a fresh cell wrote to more and more memory until its cell was ended; a second one likewise, " +
      "with a small limit",
    [
      ...ended(small, { bytes: small.limitBytes, size: mib }),
      ...ended(whole.seen, { bytes: memoryBytes, size: gib }),
      { holds: whole.seen.reachedBytes >= least, otherwise: `less than ${gib(memoryBytes)} can be used` },
    ],
  );
}

function judgeSwap({ small, whole, hostSwapBytes }: UsedUp): Verdict {
  const tried = [small, ...("seen" in whole ? [whole.seen] : [])];
  const swapped = Math.max(...tried.map(({ swappedBytes }) => swappedBytes));
  return required(
    `${swapped === 0 ? "nothing" : mib(swapped)} of the cell's memory was in swap when it was used up; the host has ` +
      `${hostSwapBytes === 0 ? "no swap" : `${gib(hostSwapBytes)} of swap`}`,
    "inside: VmSwap of the program that used up its cell's memory; host: SwapTotal",
    [
      { holds: swapped === 0, otherwise: "the cell can swap" },
      { holds: small.ended === "out-of-memory", otherwise: "its memory could not be used up" },
    ],
  );
}

/** A write was refused, or the cell was ended: both are a disk that is full. */
function filled(one: Exhaustion, limit: Limit): Requirement[] {
  const full = one.ended === "disk-full" && (one.error === "" || one.error === "ENOSPC");
  const how = [one.error, one.ended].filter(Boolean).join(", ");
  return [
    { holds: full, otherwise: `a quota of ${limit.size(limit.bytes)} ended so: ${how}` },
    notAbove(one, limit, "fit on it"),
  ];
}

function diskRequirements({ small, whole, saidBytes }: UsedUp): Requirement[] {
  const inSmall = filled(small, { bytes: small.limitBytes, size: mib });
  if (!("seen" in whole))
    return [...inSmall, { holds: saidBytes === diskBytes, otherwise: `its quota is ${gb(saidBytes)}` }];
  const least = diskBytes * (1 - tablesPart);
  return [
    ...inSmall,
    ...filled(whole.seen, { bytes: diskBytes, size: gb }),
    { holds: whole.seen.reachedBytes >= least, otherwise: `less than ${gb(diskBytes)} fit on it` },
  ];
}

function describeDisk({ small, whole, saidBytes }: UsedUp): string {
  const inSmall = `with a quota of ${mib(small.limitBytes)}: ${endOf(small, mib)}`;
  const inWhole =
    "seen" in whole ? endOf(whole.seen, gb) : `${gb(saidBytes)}, not filled itself: ${whole.unseen}`;
  return `${inWhole}, held by ${holds[small.held]}; ${inSmall}`;
}

const howFilled =
  "inside: a program of a fresh cell wrote to its home until it was refused or its cell was ended, with a small quota; " +
  "with the whole one it reserved blocks";

function judgeSessionDisk(disk: UsedUp): Verdict {
  return required(describeDisk(disk), howFilled, diskRequirements(disk));
}

function judgeSessionsPartition(used: UsedUp, { inside }: Observations): Verdict {
  return whenSeen(inside, ({ user, disks }) => {
    const { type, bytes } = disks.home;
    return required(
      `${user.home}, ${type}${used.small.held === "loop" ? ` of ${gb(bytes)}` : ""}: ${describeDisk(used)}`,
      `${howFilled}; statfs and /proc/mounts of the home`,
      [
        { holds: /^\/sessions\/[^/]+$/.test(user.home), otherwise: "it is no folder of /sessions" },
        ...diskRequirements(used),
      ],
    );
  });
}

/** What a cell may use, by using it up. */
export const limitJudges: Readonly<Record<string, Judge>> = {
  "hw.ram": ({ memory }) => whenSeen(memory, judgeMemory),
  "hw.swap": ({ memory }) => whenSeen(memory, judgeSwap),
  "hw.session-disk": ({ disk }) => whenSeen(disk, judgeSessionDisk),
  "disk.sessions": (all) => whenSeen(all.disk, (used) => judgeSessionsPartition(used, all)),
};
