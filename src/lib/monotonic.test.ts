import { expect, test } from "vitest";
import { monotonicMs } from "./monotonic.ts";

test("monotonicMs() counts the milliseconds that performance.now() counts", () => {
  const before = performance.now();
  const first = monotonicMs();
  while (performance.now() - before < 3);
  const passed = monotonicMs() - first;
  expect(passed).toBeGreaterThan(0);
  expect(passed).toBeLessThanOrEqual(performance.now() - before);
});
