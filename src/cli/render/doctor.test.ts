import { expect, test } from "vitest";
import type { DoctorCheck } from "../../model/index.ts";
import { renderDoctor } from "./doctor.ts";

const checks: readonly DoctorCheck[] = [
  {
    id: "socat",
    title: "socat",
    status: "ok",
    found: "socat 1.7.4 carries a byte",
    needed: "socat",
    remedy: "",
    without: "No tunnel",
  },
  {
    id: "landlock",
    title: "Landlock",
    status: "weaker",
    found: "Landlock: none\u001b[31m",
    needed: "Landlock 6",
    remedy: "Run a newer kernel",
    without: "No second layer",
  },
];

test("renderDoctor() shows a table, the remedies of what is not fine, and the summary", () => {
  expect(renderDoctor(checks, "1 of 2 fine; Landlock: none")).toBe(
    [
      "ok       socat     socat 1.7.4 carries a byte",
      "weaker   Landlock  none\\u001b[31m",
      "",
      "Landlock (weaker)",
      "  needed   Landlock 6",
      "  without  No second layer",
      "  remedy   Run a newer kernel",
      "",
      "1 of 2 fine; Landlock: none",
      "",
    ].join("\n"),
  );
});
