import { expect, test } from "vitest";
import { architectures } from "../../src/plan/seccomp/architecture.ts";
import { compileRules } from "../../src/plan/seccomp/compile.ts";
import { buildFilters } from "../../src/plan/seccomp/index.ts";
import type { RuleSet } from "../../src/plan/seccomp/rule.ts";
import { compileFixture } from "../helpers/compile-fixture.ts";
import { missing, runFiltered, type Starter, starters } from "../helpers/filtered-bwrap.ts";

const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
const filters = buildFilters(arch, { refuse: "notify" }).map(({ program }) => program);

/** Looks at an argument of the calls that are measured, as no filter of ours does. */
const curious: RuleSet = {
  name: "curious",
  otherwise: "allow",
  unknown: "allow",
  rules: [
    {
      calls: ["getppid", "read"],
      when: [{ argument: 5, name: "none", in: [0x7777_7777] }],
      answer: "refuse",
      reason: "",
    },
  ],
};

/** One instruction, which allows: what the kernel's way through any filter costs, whatever the filter says. */
const empty = Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0xff, 0x7f);

const ways = {
  bare: [],
  empty: [empty, empty],
  filtered: filters,
  curious: [compileRules(curious, architectures[arch]), compileRules(curious, architectures[arch])],
};

function cost(starter: Starter, program: string, way: keyof typeof ways): readonly number[] {
  const run = runFiltered(starter, ways[way], [
    ...["--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/tmp"],
    ...["--ro-bind", program, "/tmp/call-cost", "/tmp/call-cost"],
  ]);
  expect(run.code, run.errors).toBe(0);
  return run.output.trim().split(" ").map(Number);
}

const names = ["bare", "empty", "filtered", "curious"] as const;

/** The least of several runs in ns, getppid and read; taken in turns, so that a busy machine is unkind to all alike. */
function measure(starter: Starter): Record<keyof typeof ways, readonly number[]> {
  const program = compileFixture("call-cost");
  const rounds = Array.from({ length: 6 }, () => names.map((way) => cost(starter, program, way)));
  const least = (way: number, call: number) =>
    Math.min(...rounds.map((round) => round[way]?.[call] ?? Infinity));
  const of = (way: number) => [least(way, 0), least(way, 1)];
  return { bare: of(0), empty: of(1), filtered: of(2), curious: of(3) };
}

test.skipIf(missing(["bwrap", "gcc"]).length > 0)(
  "an allowed call costs no more than under filters that are empty; one whose argument is read would",
  () => {
    const [starter] = starters;
    if (starter === undefined) throw new Error("nobody to start as");
    const found = measure(starter);
    const ratios = (way: keyof typeof ways) =>
      found[way].map((value, call) => value / (found.empty[call] ?? 0));
    expect(Math.max(...ratios("filtered")), JSON.stringify(found)).toBeLessThan(1.1);
    expect(Math.min(...ratios("curious")), JSON.stringify(found)).toBeGreaterThan(1.1);
  },
);
