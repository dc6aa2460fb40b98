import fc from "fast-check";
import { expect, test } from "vitest";
import { loadProgram, runFilters, runProgram } from "../../../test/helpers/bpf-simulator.ts";
import { architectures } from "./architecture.ts";
import { compileRules } from "./compile.ts";
import { buildFilters, nameOfCall } from "./index.ts";
import { kernelSurface } from "./kernel-surface.ts";

type Arch = "x86_64" | "aarch64";

const allow = 0x7fff_0000;
const eperm = 0x0005_0001;
const enosys = 0x0005_0026;
const notification = 0x7fc0_0000;
const refusals = { errno: eperm, notify: notification };

const audits = { x86_64: 0xc000_003e, aarch64: 0xc000_00b7, i386: 0x4000_0003, arm: 0x4000_0028 };

/** `1-3 7` as a list: numbers as the kernel's tables have them, written down apart from the tables in use. */
function numbers(text: string): ReadonlySet<number> {
  return new Set(
    text.split(/\s+/).flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    }),
  );
}

/** What the first filter refuses, whatever the arguments. */
const refused: Record<Arch, ReadonlySet<number>> = {
  x86_64: numbers(
    "101 103 134 136 139 153-156 159 161 163-185 205 211 212 214-216 227 236 246 248-250 298 300 301 303-305 308 " +
      "310-313 320 321 323 425-427 428-433 438 440 442 443 447 448 467",
  ),
  aarch64: numbers(
    "18 39-42 51 58 60 89 104-106 112 116 117 142 161 162 170 171 217-219 224 225 234 241 262-266 268 " +
      "270-273 280 282 294 425-427 428-433 438 440 442 443 447 448 467",
  ),
};

/** What the second filter refuses besides when every argument is 0: socket, socketpair, ioprio_set. */
const refusedOfZeros: Record<Arch, ReadonlySet<number>> = {
  x86_64: numbers("41 53 251"),
  aarch64: numbers("198 199 30"),
};

/** clone3, openat2, cachestat, statmount to lsm_list_modules, file_getattr and file_setattr, and what no table has. */
const unknown: Record<Arch, ReadonlySet<number>> = {
  x86_64: numbers("337-423 435 437 451 457-461 468-1023"),
  aarch64: numbers("244-259 295-423 435 437 451 457-461 468-1023"),
};

const programs = (arch: Arch, refuse: "errno" | "notify" = "errno") =>
  buildFilters(arch, { refuse }).map((filter) => loadProgram(filter.program));

const arches: Arch[] = ["x86_64", "aarch64"];
const ways = arches.flatMap((arch) => (["errno", "notify"] as const).map((refuse) => ({ arch, refuse })));

test.each(ways)(
  "$arch, $refuse: every number gets the answer that is written down here, of each filter and of both",
  ({ arch, refuse }) => {
    const [first = [], second = []] = programs(arch, refuse);
    const wrong = Array.from({ length: 1024 }, (_, number) => {
      const call = { number, audit: audits[arch] };
      const given = unknown[arch].has(number) ? enosys : refused[arch].has(number) ? refusals[refuse] : allow;
      const ofTwo = refusedOfZeros[arch].has(number) ? refusals[refuse] : given;
      const answers = [[first], [second], [first, second]].map((filters) => runFilters(filters, call));
      return { number, answers, expected: [given, ofTwo, ofTwo] };
    }).filter(({ answers, expected }) => answers.some((answer, index) => answer !== expected[index]));
    expect(wrong).toEqual([]);
  },
);

test.each(arches)("%s: numbers above every table are ENOSYS", (arch) => {
  fc.assert(
    fc.property(fc.integer({ min: 1024, max: 0x3fff_ffff }), (number) => {
      for (const filter of programs(arch))
        expect(runProgram(filter, { number, audit: audits[arch] }).value).toBe(enosys);
    }),
    { numRuns: 50 },
  );
});

/** Arguments of which many meet a condition. */
const words = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 10, 16, 35, 40, 0x5412, 0x1000_0011, 0o4755, 0o20_644, 0xffff_ffff),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);

test.each(arches)(
  "%s: what the first refuses the second refuses too, so that its listener is asked",
  (arch) => {
    const [first = [], second = []] = programs(arch, "notify");
    const known = Object.values(architectures[arch].calls);
    fc.assert(
      fc.property(
        fc.constantFrom(...known),
        fc.array(words, { minLength: 6, maxLength: 6 }),
        (number, given) => {
          const call = { number, audit: audits[arch], arguments: given.map(BigInt) };
          const answers = [first, second].map((filter) => runProgram(filter, call).value);
          if (answers[0] !== allow) expect(answers[1]).toBe(answers[0]);
          expect([allow, enosys, notification]).toContain(answers[1]);
        },
      ),
      { numRuns: 5000 },
    );
  },
);

test.each(arches)("%s: a filter that notifies decides as one that answers EPERM", (arch) => {
  const [byErrno, byNotice] = [programs(arch, "errno"), programs(arch, "notify")];
  const differing = byNotice.flatMap((program, at) =>
    program.filter((instruction, index) => {
      const other = byErrno[at]?.[index];
      const sameButForReturn = { ...instruction, k: instruction.k === notification ? eperm : instruction.k };
      return JSON.stringify(sameButForReturn) !== JSON.stringify(other);
    }),
  );
  expect(differing).toEqual([]);
});

test.each([
  ["x86_64", "i386"],
  ["x86_64", "aarch64"],
  ["aarch64", "arm"],
  ["aarch64", "x86_64"],
] as const)("%s: every call of %s is refused, by each filter", (arch, foreign) => {
  for (const refuse of ["errno", "notify"] as const)
    for (const filter of programs(arch, refuse))
      for (let number = 0; number < 1024; number += 1)
        expect(runProgram(filter, { number, audit: audits[foreign] }).value).toBe(refusals[refuse]);
});

test("x86_64: every number of the x32 table is refused, by each filter, and so is -1", () => {
  for (const filter of programs("x86_64")) {
    for (let number = 0; number < 1024; number += 1) {
      const call = { number: 0x4000_0000 + number, audit: audits.x86_64 };
      expect(runProgram(filter, call).value).toBe(eperm);
    }
    expect(runProgram(filter, { number: 0xffff_ffff, audit: audits.x86_64 }).value).toBe(eperm);
  }
});

/** Calls with arguments to look at; all others must be decided without reading any, and quickly. */
const conditional: Record<Arch, ReadonlySet<number>> = {
  // open ioctl socket socketpair clone mkdir creat chmod fchmod mknod personality setpriority sched_setparam
  // sched_setscheduler prctl sched_setaffinity ioprio_set migrate_pages openat mkdirat mknodat fchmodat unshare
  // get_robust_list move_pages prlimit64 sched_setattr seccomp fchmodat2
  x86_64: numbers(
    "2 16 41 53 56 83 85 90 91 133 135 141 142 144 157 203 251 256 257 258 259 268 272 274 279 302 314 317 452",
  ),
  aarch64: numbers("29 30 33 34 52 53 56 92 97 100 118 119 122 140 167 198 199 220 238 239 261 274 277 452"),
};

test.each(arches)(
  "%s: calls without conditions are decided in few steps and by their number alone",
  (arch) => {
    for (const filter of programs(arch, "notify")) {
      for (let number = 0; number < 512; number += 1) {
        const run = runProgram(filter, { number, audit: audits[arch] });
        expect(run.steps).toBeLessThan(24);
        expect(run.readArgument && !conditional[arch].has(number), `call ${number}`).toBe(false);
      }
    }
  },
);

test.each(arches)("%s: each known call is decided by name, and outright only once", (arch) => {
  const outright = kernelSurface.rules.filter(({ when }) => when === undefined).flatMap(({ calls }) => calls);
  const here = outright.filter((call) => call in architectures[arch].calls);
  expect([...here].sort()).toEqual(Object.keys(architectures[arch].calls).sort());
  expect(new Set(outright).size).toBe(outright.length);
});

test("a call that a newer table brings is refused until it is on a list", () => {
  const { calls, ...machine } = architectures.x86_64;
  const program = compileRules(kernelSurface, { ...machine, calls: { ...calls, brand_new: 470 } });
  expect(runProgram(loadProgram(program), { number: 470, audit: audits.x86_64 }).value).toBe(eperm);
});

test.each(arches)("%s: the text has a line for every rule, and what it says fits the way", (arch) => {
  const [first, second] = buildFilters(arch);
  expect(first?.name).toBe("kernel surface");
  expect(first?.text.at(-1)).toBe("every other call: EPERM");
  expect(first?.text.filter((line) => line.includes(": allowed (")).length).toBeGreaterThan(15);
  expect(second?.name).toBe("sockets and mode bits");
  expect(second?.text.at(-1)).toBe('every other call: as the filter "kernel surface" says');
  const lines = buildFilters(arch, { refuse: "notify" }).flatMap(({ text }) => text);
  expect(lines.filter((line) => /: EPERM( \(|$)/.test(line))).toEqual([]);
  expect(lines).toContain("setns: EPERM, recorded (leads into another namespace)");
});

test("aarch64 is not told of calls that it does not have", () => {
  const text = buildFilters("aarch64").flatMap((filter) => filter.text);
  expect(text.filter((line) => /iopl|x32|\bcreat\b|uselib|arch_prctl/.test(line))).toEqual([]);
  expect(text).toContain(
    "clone when flags has any bit of 0x7e020000: EPERM (a new namespace brings capabilities of its own)",
  );
});

test("nameOfCall() names a call as a denial gives it", () => {
  expect(nameOfCall("x86_64", 165)).toBe("mount");
  expect(nameOfCall("aarch64", 40)).toBe("mount");
  expect(nameOfCall("x86_64", 165, audits.x86_64)).toBe("mount");
  expect(nameOfCall("x86_64", 400)).toBe("call 400");
  expect(nameOfCall("x86_64", 0x4000_0027)).toBe("x32 call 39");
  expect(nameOfCall("aarch64", 0x4000_0027)).toBe("call 1073741863");
  expect(nameOfCall("x86_64", 20, audits.i386)).toBe("32-bit call 20");
  expect([nameOfCall("x86_64", -1), nameOfCall("x86_64", 0xffff_ffff)]).toEqual(["call -1", "call -1"]);
});
