import { describe, expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { defaultLimits } from "./default-limits.ts";
import { PROFILE_NAMES } from "./parse-choice.ts";
import { type LimitTexts, readLimits } from "./parse-limits.ts";
import { parseSize } from "./parse-size.ts";

const flag = (name: string) => `flag --${name}`;

test.each([
  ["4096", 4096],
  ["512M", 512 * 1024 ** 2],
  ["512m", 512 * 1024 ** 2],
  ["64KiB", 65536],
  ["2.8G", 3006477107],
  ["1T", 1024 ** 4],
  ["0", 0],
])("parseSize(%j) is %d bytes", (text, bytes) => expect(parseSize(text)).toBe(bytes));

test.each(["", "M", "1.5", "-1", "1e9", "512MB", "512 M", "0x10", "9999999999T", "1.M", "٣"])(
  "parseSize(%j) is no size",
  (text) => expect(parseSize(text)).toBeUndefined(),
);

test("readLimits() reads every limit with its origin, and nothing that is not there", () => {
  const texts: LimitTexts = {
    ...{ cpus: "0.5", memory: "16M", pids: "16", disk: "16M", output: "1", idle: "30s" },
    waive: ["disk", "landlock"],
  };
  expect(readLimits(texts, flag)).toEqual({
    cpus: { value: 0.5, origin: "flag --cpus" },
    memoryBytes: { value: 16 * 1024 ** 2, origin: "flag --memory" },
    pids: { value: 16, origin: "flag --pids" },
    diskBytes: { value: 16 * 1024 ** 2, origin: "flag --disk" },
    outputBytes: { value: 1, origin: "flag --output" },
    idleMs: { value: 30_000, origin: "flag --idle" },
    waive: [
      { value: "disk", origin: "flag --waive" },
      { value: "landlock", origin: "flag --waive" },
    ],
  });
  expect(readLimits({}, flag)).toEqual({});
});

describe("readLimits() refuses", () => {
  test.each<[LimitTexts, string, string]>([
    [
      { memory: "15M" },
      'Cannot use the memory "15M" (flag --memory): below the 16M that the cell itself needs',
      "Write it like 512M or 2.8G",
    ],
    [
      { memory: "lots" },
      'Cannot use the memory "lots" (flag --memory): not a size: a number, then K, M, G or T (powers of 1024) or nothing (bytes)',
      "Write it like 512M or 2.8G",
    ],
    [
      { output: "0" },
      'Cannot use the output limit "0" (flag --output): no room at all; leave it out for the default',
      "Write it like 64K or 100M",
    ],
    [
      { cpus: "0" },
      'Cannot use the number of CPUs "0" (flag --cpus): no CPU at all; it must be at least 0.01',
      "Write it like 2 or 0.5",
    ],
    [
      { cpus: -1 },
      'Cannot use the number of CPUs "-1" (flag --cpus): not a number with at most two decimals',
      "Write it like 2 or 0.5",
    ],
    [
      { pids: "15" },
      'Cannot use the number of processes "15" (flag --pids): below the 16 that the cell itself needs',
      "Write it like 512",
    ],
    [
      { pids: "1.5" },
      'Cannot use the number of processes "1.5" (flag --pids): not a whole number',
      "Write it like 512",
    ],
    [
      { idle: "0s" },
      'Cannot use the idle time "0s" (flag --idle): no time at all; leave it out for no limit',
      "Write it like 500ms, 30s, 5m or 2h",
    ],
    [
      { waive: ["time"] },
      'Cannot use the waiver "time" (flag --waive): no such limit; it must be one of memory, swap, pids, cpus, disk, landlock',
      "Name one of memory, swap, pids, cpus, disk, landlock",
    ],
  ])("%j", async (texts, message, remedy) => {
    expect(await failureOf(() => readLimits(texts, flag))).toEqual({ code: "WC_SETTINGS", message, remedy });
  });
});

test("defaultLimits() gives cowork what the reference's cells can use, and every profile the same otherwise", () => {
  const [cowork, standard] = PROFILE_NAMES.map(defaultLimits);
  expect(cowork).toEqual({
    memoryBytes: 3006477107,
    atMostHalfOfMemory: false,
    cpus: 4,
    pids: 512,
    openFiles: 1024,
    diskBytes: 10_000_000_000,
  });
  expect(standard).toEqual({ ...cowork, memoryBytes: 4 * 1024 ** 3, atMostHalfOfMemory: true });
});
