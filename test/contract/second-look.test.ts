import { expect, test } from "vitest";
import { againAlone, unsteadyLines, withSecond } from "../../scripts/setup/second-look.mjs";
import type { FileReport } from "../../scripts/setup/test-totals.mjs";

const root = "/clone";
const fileOf = (name: string, status: "passed" | "failed"): FileReport => ({
  name: `${root}/test/${name}.test.ts`,
  status,
  assertionResults: [
    {
      status,
      ancestorTitles: ["as root"],
      title: "waits",
      failureMessages: status === "failed" ? ["Error: late"] : [],
    },
  ],
});
const reportOf = (...testResults: FileReport[]) => ({ testResults });
const failed = (...names: string[]) => names.map((name) => fileOf(name, "failed"));

test("againAlone() names the few that failed", () => {
  const report = reportOf(fileOf("integration/a", "passed"), ...failed("integration/b"));
  expect(againAlone(report, root)).toEqual(["/clone/test/integration/b.test.ts"]);
});

test("againAlone() gives many no second look, and none where a promise did not hold", () => {
  expect(
    againAlone(reportOf(...failed("integration/a", "integration/b", "integration/c", "integration/d")), root),
  ).toEqual([]);
  expect(againAlone(reportOf(...failed("integration/a", "security/p01")), root)).toEqual([]);
});

test("withSecond() believes the second run of what ran twice", () => {
  const [steady, first, second] = [
    fileOf("integration/a", "passed"),
    fileOf("integration/b", "failed"),
    fileOf("integration/b", "passed"),
  ];
  expect(withSecond(reportOf(steady, first), reportOf(second))).toEqual(reportOf(steady, second));
});

test("unsteadyLines() names what passed the second time, and not what failed again", () => {
  const first = reportOf(...failed("integration/a", "integration/b"));
  const second = reportOf(fileOf("integration/a", "passed"), fileOf("integration/b", "failed"));
  expect(unsteadyLines(first, second, root)).toEqual([
    "unsteady  test/integration/a.test.ts > as root > waits: Error: late",
  ]);
});
