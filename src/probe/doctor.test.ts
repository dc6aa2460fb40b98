import { expect, test } from "vitest";
import type { DoctorCheck } from "../model/index.ts";
import { summarizeDoctor } from "./doctor.ts";

const check = (status: DoctorCheck["status"], found: string): DoctorCheck => ({
  ...{ id: found, title: found, needed: "", remedy: "", without: "" },
  ...{ status, found },
});

test("summarizeDoctor() counts, and tells what is not fine without the reasons", () => {
  expect(
    summarizeDoctor([
      check("ok", "socat 1.7"),
      check(
        "weaker",
        "cgroup v1: memory limit works, swap limit does not (the kernel does not account for it)",
      ),
      check("missing", "bubblewrap: no bwrap on PATH"),
    ]),
  ).toBe("1 of 3 fine; cgroup v1: memory limit works, swap limit does not; bubblewrap: no bwrap on PATH");
  expect(summarizeDoctor([check("ok", "socat 1.7")])).toBe("1 of 1 fine");
});
