import { expect, test } from "vitest";
import { pageBytes, readHostMemory, residentBytes, tmpfsOf } from "./cell-memory.ts";
import { processesOf } from "./cell-processes.ts";

test("residentBytes() is what Node says of this process", () => {
  const rss = process.memoryUsage.rss();
  const seen = residentBytes(["/proc/self"], pageBytes());
  expect(Math.abs(seen - rss)).toBeLessThan(rss / 5);
});

test("residentBytes() of a process that has ended is nothing", () => {
  expect(residentBytes(["/proc/4194305"], 4096)).toBe(0);
  expect(processesOf(4194305)).toBeUndefined();
});

test("tmpfsOf() leaves out what the host has mounted itself", () => {
  expect(tmpfsOf(process.pid)).toEqual([]);
  const line = "30 29 0:9999 / /elsewhere rw - tmpfs tmpfs rw";
  const places = tmpfsOf(process.pid, line);
  expect(new Set(places).size).toBe(places.length);
});

test("readHostMemory() reads the host's", () => {
  const { totalBytes, availableBytes, sharedBytes } = readHostMemory();
  expect(totalBytes).toBeGreaterThan(availableBytes);
  expect(sharedBytes).toBeGreaterThanOrEqual(0);
});
