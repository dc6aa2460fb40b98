import { expect, test } from "vitest";
import { loadProgram, runFilters, runProgram } from "../../../test/helpers/bpf-simulator.ts";
import { buildFilters } from "./index.ts";

type Arch = "x86_64" | "aarch64";

const allow = 0x7fff_0000;
const eperm = 0x0005_0001;
const enosys = 0x0005_0026;

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

/** What is refused with every argument 0, socket and socketpair (family 0) included. */
const refused: Record<Arch, ReadonlySet<number>> = {
  x86_64: numbers(
    "41 53 101 103 134 153-156 159 161 163-180 212 227 246 248-250 298 300 303-305 308 310-313 320 321 323 " +
      "425-427 428-433 438 440 442 443 467",
  ),
  aarch64: numbers(
    "18 39-42 51 58 60 89 104-106 112 116 117 142 161 162 170 171 198 199 217-219 224 225 241 262 264-266 268 " +
      "270-273 280 282 294 425-427 428-433 438 440 442 443 467",
  ),
};

/** clone3 and openat2, and what no table has. */
const unknown: Record<Arch, ReadonlySet<number>> = {
  x86_64: numbers("435 437 337-423 470-1023"),
  aarch64: numbers("435 437 244-259 295-423 470-1023"),
};

const programs = (arch: Arch) => buildFilters(arch).map((filter) => loadProgram(filter.program));

const arches: Arch[] = ["x86_64", "aarch64"];

test.each(arches)("%s: every number from 0 to 1023 gets the answer that is written down here", (arch) => {
  const filters = programs(arch);
  const wrong = Array.from({ length: 1024 }, (_, number) => {
    const expected = refused[arch].has(number) ? eperm : unknown[arch].has(number) ? enosys : allow;
    const answer = runFilters(filters, { number, audit: audits[arch] });
    return { number, answer: answer.toString(16), expected: expected.toString(16) };
  }).filter(({ answer, expected }) => answer !== expected);
  expect(wrong).toEqual([]);
});

test.each([
  ["x86_64", "i386"],
  ["x86_64", "aarch64"],
  ["aarch64", "arm"],
  ["aarch64", "x86_64"],
] as const)("%s: every call of %s is ENOSYS, by each filter", (arch, foreign) => {
  for (const filter of programs(arch)) {
    for (let number = 0; number < 1024; number += 1) {
      expect(runProgram(filter, { number, audit: audits[foreign] }).value).toBe(enosys);
    }
  }
});

test("x86_64: every number of the x32 table is ENOSYS, by each filter, and so is -1", () => {
  for (const filter of programs("x86_64")) {
    for (let number = 0; number < 1024; number += 1) {
      const call = { number: 0x4000_0000 + number, audit: audits.x86_64 };
      expect(runProgram(filter, call).value).toBe(enosys);
    }
    expect(runProgram(filter, { number: 0xffff_ffff, audit: audits.x86_64 }).value).toBe(enosys);
  }
});

/** Calls with arguments to look at; all others must be decided without reading any, and quickly. */
const conditional: Record<Arch, ReadonlySet<number>> = {
  // open ioctl socket socketpair clone mkdir creat chmod fchmod mknod personality prctl openat mkdirat mknodat
  // fchmodat unshare seccomp fchmodat2
  x86_64: numbers("2 16 41 53 56 83 85 90 91 133 135 157 257 258 259 268 272 317 452"),
  aarch64: numbers("29 33 34 52 53 56 92 97 167 198 199 220 277 452"),
};

test.each(arches)(
  "%s: calls without conditions are decided in few steps and by their number alone",
  (arch) => {
    for (const filter of programs(arch)) {
      for (let number = 0; number < 512; number += 1) {
        const run = runProgram(filter, { number, audit: audits[arch] });
        expect(run.steps).toBeLessThan(24);
        expect(run.readArgument && !conditional[arch].has(number), `call ${number}`).toBe(false);
      }
    }
  },
);

test.each(arches)("%s: the text has a line for every answer but the allowed ones", (arch) => {
  expect(
    buildFilters(arch).map(({ name, text }) => ({ name, lines: text.length, last: text.at(-1) })),
  ).toEqual([
    { name: "kernel surface", lines: arch === "x86_64" ? 24 : 22, last: "every other call: allowed" },
    { name: "sockets and mode bits", lines: arch === "x86_64" ? 17 : 13, last: "every other call: allowed" },
  ]);
});

test("aarch64 is not told of calls that it does not have", () => {
  const text = buildFilters("aarch64").flatMap((filter) => filter.text);
  expect(text.filter((line) => /iopl|x32|\bcreat\b|uselib/.test(line))).toEqual([]);
  expect(text).toContain(
    "clone when flags has any bit of 0x7e020000: EPERM (a new namespace brings capabilities of its own)",
  );
});
