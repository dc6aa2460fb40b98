import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { lacking, people, useHouse } from "../helpers/cell.ts";

const absent = lacking({});
const house = useHouse();

/** io_uring_setup, on every architecture. */
const refusedCall = 425;

/** Names itself after what a terminal would obey, says so, and makes a call that is refused. */
const script = `
  $0 = "\\e]0;x\\a\\e[2J";
  open(my $comm, "<", "/proc/self/comm"); print <$comm>;
  syscall(${refusedCall}, 1, 0);`;

/** Everything but letters, lines and tabs that a terminal may obey. */
const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

describe.skipIf(absent.length > 0)("A: what a program is called does not reach the person's terminal", () => {
  test.for(people)("neither in messages nor in the records of $name", async (person) => {
    const { stdout, stderr } = await house.inside(person, [], ["perl", "-e", script]);
    expect(stdout).toContain("\u001b]0;x\u0007");
    expect(stderr).toContain("io_uring_setup");
    expect(stderr).not.toMatch(control);
    const audit = readFileSync(path.join(house.state(person), "audit.jsonl"), "utf8");
    expect(audit).toContain("io_uring_setup");
    expect(audit).not.toMatch(control);
  });

  test.for(people)("nor when $name reads the records", async (person) => {
    const { stdout } = await house.outside(person, [house.workcell, "audit"]);
    expect(stdout).toContain("io_uring_setup");
    expect(stdout).not.toMatch(control);
  });
});
