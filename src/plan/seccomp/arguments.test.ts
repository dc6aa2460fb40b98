import fc from "fast-check";
import { expect, test } from "vitest";
import { loadProgram, runFilters } from "../../../test/helpers/bpf-simulator.ts";
import { buildFilters } from "./index.ts";

type Arch = "x86_64" | "aarch64";

const audits = { x86_64: 0xc000_003e, aarch64: 0xc000_00b7 };
const programs = {
  x86_64: buildFilters("x86_64").map((filter) => loadProgram(filter.program)),
  aarch64: buildFilters("aarch64").map((filter) => loadProgram(filter.program)),
};
const words = new Map([
  [0x7fff_0000, "allow"],
  [0x0005_0001, "EPERM"],
  [0x0005_0026, "ENOSYS"],
]);

function ask(arch: Arch, number: number, ...values: readonly (number | bigint)[]) {
  const call = { number, audit: audits[arch], arguments: values.map(BigInt) };
  return words.get(runFilters(programs[arch], call));
}

/** Numbers of a call on x86_64 and aarch64, from the kernel's tables; `undefined`: it has none there. */
const calls = {
  open: [2, undefined],
  ioctl: [16, 29],
  socket: [41, 198],
  socketpair: [53, 199],
  clone: [56, 220],
  mkdir: [83, undefined],
  creat: [85, undefined],
  chmod: [90, undefined],
  fchmod: [91, 52],
  mknod: [133, undefined],
  personality: [135, 92],
  setpriority: [141, 140],
  sched_setparam: [142, 118],
  sched_setscheduler: [144, 119],
  prctl: [157, 167],
  sched_setaffinity: [203, 122],
  ioprio_set: [251, 30],
  migrate_pages: [256, 238],
  openat: [257, 56],
  mkdirat: [258, 34],
  mknodat: [259, 33],
  fchmodat: [268, 53],
  unshare: [272, 97],
  get_robust_list: [274, 100],
  move_pages: [279, 239],
  prlimit64: [302, 261],
  sched_setattr: [314, 274],
  seccomp: [317, 277],
  fchmodat2: [452, 452],
} as const;
type Call = keyof typeof calls;

const both: [Arch, 0 | 1][] = [
  ["x86_64", 0],
  ["aarch64", 1],
];

/** The answer, which must be the same on both architectures, and with anything in the upper half of each argument. */
function answerTo(call: Call, ...values: readonly number[]): string | undefined {
  const answers = both.flatMap(([arch, index]) => {
    const number = calls[call][index];
    if (number === undefined) return [];
    const dirty = values.map((value) => BigInt(value) | (0xdead_beefn << 32n));
    return [ask(arch, number, ...values), ask(arch, number, ...dirty)];
  });
  expect(new Set(answers).size, `${call}(${values}) on both, garbage above or not`).toBe(1);
  return answers[0];
}

test("clone() may start threads and processes, and no namespace", () => {
  const namespaces = [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
  const thread = 0x003d_0f00;
  const vfork = 0x4111;
  for (const flags of [17, thread, vfork, 0x0120_0011]) {
    expect(answerTo("clone", flags)).toBe("allow");
    for (const namespace of namespaces) expect(answerTo("clone", flags | namespace)).toBe("EPERM");
  }
});

test("unshare() may give up what a thread shares, and nothing else", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (flags) => {
      const harmless = [0x100, 0x200, 0x400, 0x800, 0x1_0000, 0x4_0000].reduce(
        (rest, bit) => rest & ~bit,
        flags,
      );
      expect(answerTo("unshare", flags)).toBe(harmless === 0 ? "allow" : "EPERM");
    }),
  );
  expect(answerTo("unshare", 0x600)).toBe("allow");
  for (const namespace of [0x80, 0x2_0000, 0x200_0000, 0x1000_0000, 0x4000_0000, 0x10_0000]) {
    expect(answerTo("unshare", namespace)).toBe("EPERM");
  }
});

test("ioctl() may do all but type into a terminal", () => {
  for (const op of [0x5412, 0x541c, 0x541d]) expect(answerTo("ioctl", 0, op)).toBe("EPERM");
  for (const op of [0x5401, 0x5411, 0x5413, 0x5421, 0x541b, 0x541e])
    expect(answerTo("ioctl", 0, op)).toBe("allow");
  expect(answerTo("ioctl", 0x5412, 0x5401, 0x5412)).toBe("allow");
});

test("personality() keeps randomisation on", () => {
  for (const value of [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff])
    expect(answerTo("personality", value)).toBe("allow");
  for (const value of [0x4_0000, 0x10_0000, 0x40_0000, 1, 9])
    expect(answerTo("personality", value)).toBe("EPERM");
});

test("seccomp() adds filters without a listener", () => {
  expect(answerTo("seccomp", 1, 0)).toBe("allow");
  expect(answerTo("seccomp", 1, 1)).toBe("allow");
  expect(answerTo("seccomp", 1, 8)).toBe("EPERM");
  expect(answerTo("seccomp", 1, 0x28)).toBe("EPERM");
  expect(answerTo("seccomp", 2, 8)).toBe("allow");
});

test("prctl() does all but PR_SET_MM", () => {
  expect(answerTo("prctl", 35)).toBe("EPERM");
  for (const option of [4, 15, 22, 34, 36, 38]) expect(answerTo("prctl", option)).toBe("allow");
});

test("socket() makes UNIX, IPv4, IPv6 and route netlink sockets, and no others", () => {
  const flags = 0x8_0800;
  for (let family = 0; family < 64; family += 1) {
    for (let type = 0; type < 16; type += 1) {
      for (const protocol of [0, 1, 6, 12, 17, 255]) {
        const inet = (family === 2 || family === 10) && (type === 1 || type === 2);
        const expected = family === 1 || inet || (family === 16 && protocol === 0) ? "allow" : "EPERM";
        expect(answerTo("socket", family, type | flags, protocol)).toBe(expected);
      }
    }
  }
});

test("socketpair() makes UNIX pairs only", () => {
  for (let family = 0; family < 64; family += 1) {
    expect(answerTo("socketpair", family, 1, 0)).toBe(family === 1 ? "allow" : "EPERM");
  }
});

const modes = [0, 0o644, 0o755, 0o777, 0o1777, 0o2000, 0o2755, 0o4000, 0o4755, 0o6000, 0o7777];
const setId = (mode: number) => (mode & 0o6000) !== 0;

test.each([
  ["chmod", 1],
  ["fchmod", 1],
  ["creat", 1],
  ["mkdir", 1],
  ["fchmodat", 2],
  ["fchmodat2", 2],
  ["mkdirat", 2],
] as const)("%s() gives no set-uid or set-gid bit", (call, position) => {
  for (const mode of modes) {
    const values = [0, 0, 0];
    values[position] = mode;
    expect(answerTo(call, ...values)).toBe(setId(mode) ? "EPERM" : "allow");
  }
});

test.each([
  ["open", []],
  ["openat", [0]],
] as const)(
  "%s() gives no set-uid or set-gid bit to what it creates, and ignores the mode otherwise",
  (call, before) => {
    const directory = 0o200_000;
    const temporary = 0o20_000_000 | directory;
    for (const access of [0, 1, 2, 0o2_001, 0o2_000_002]) {
      for (const mode of [...modes, 0o4755]) {
        const answers = [0, directory, 0o100, 0o100 | 0o200, temporary].map((creation) =>
          answerTo(call, ...before, 0, access | creation, mode),
        );
        const creating = setId(mode) ? "EPERM" : "allow";
        expect(answers).toEqual(["allow", "allow", creating, creating, creating]);
      }
    }
  },
);

test.each([
  ["mknod", []],
  ["mknodat", [0]],
] as const)("%s() makes files, pipes and sockets without set-id bits, and no device", (call, before) => {
  for (const format of [0, 0o010_000, 0o020_000, 0o040_000, 0o060_000, 0o100_000, 0o120_000, 0o140_000]) {
    for (const mode of modes) {
      const device = format === 0o020_000 || format === 0o060_000;
      expect(answerTo(call, ...before, 0, format | mode)).toBe(device || setId(mode) ? "EPERM" : "allow");
    }
  }
});

test.each(["prlimit64", "migrate_pages", "move_pages", "get_robust_list"] as const)(
  "%s() is for oneself alone",
  (call) => {
    for (const pid of [0, 1, 4, 5, 77, 0xffff_ffff])
      expect(answerTo(call, pid, 1)).toBe(pid === 0 ? "allow" : "EPERM");
  },
);

const helpers = new Set([1, 2, 3, 4]);

test.each(["sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"] as const)(
  "%s() leaves the helpers alone, and may name any other thread",
  (call) => {
    for (const pid of [0, 1, 2, 3, 4, 5, 6, 77, 4_194_304])
      expect(answerTo(call, pid, 1)).toBe(helpers.has(pid) ? "EPERM" : "allow");
  },
);

test.each([
  ["setpriority", 0],
  ["ioprio_set", 1],
] as const)("%s() leaves the helpers alone, by their number, group and user", (call, ofProcess) => {
  for (const which of [0, 1, 2, 3, 4]) {
    for (const who of [0, 1, 2, 3, 4, 5, 77]) {
      const expected = which === ofProcess && !helpers.has(who) ? "allow" : "EPERM";
      expect(answerTo(call, which, who, 19)).toBe(expected);
    }
  }
});

test("buildFilters() takes the helpers' numbers from whoever knows the tunnel", () => {
  const filters = buildFilters("x86_64", { helpers: [1] }).map((filter) => loadProgram(filter.program));
  const asked = [0, 1, 2, 3].map((pid) =>
    words.get(runFilters(filters, { number: 203, audit: audits.x86_64, arguments: [BigInt(pid)] })),
  );
  expect(asked).toEqual(["allow", "EPERM", "allow", "allow"]);
});

test("buildFilters() refuses UNIX sockets for whoever asks, and lets pairs be made", () => {
  const filters = buildFilters("x86_64", { refusesUnixSockets: true }).map((filter) =>
    loadProgram(filter.program),
  );
  const asked = (number: number, family: bigint) =>
    words.get(runFilters(filters, { number, audit: audits.x86_64, arguments: [family, 1n] }));
  expect([asked(41, 1n), asked(41, 2n), asked(53, 1n)]).toEqual(["EPERM", "allow", "allow"]);
});
