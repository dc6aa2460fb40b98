import { expect, test } from "vitest";
import { runCommand } from "../../../test/helpers/command-context.ts";
import { failureOf } from "../../../test/helpers/failure.ts";
import { policy } from "./policy.ts";

test.each([
  [[], "nothing is asked; check HOST or check PATH is needed"],
  [["suggest", "a"], '"suggest" is not a part of workcell policy, check is needed'],
  [["check"], "no HOST or PATH is given, and one is needed"],
  [["check", "a", "b"], "more than one HOST or PATH is given, and one is needed"],
  [["check", "--write", "a.example"], '"--write" is for a PATH, and a HOST is given'],
])("policy %j is refused", async (argv, problem) => {
  expect(await failureOf(() => runCommand(policy, argv, { cwd: "/", home: "/nonexistent" }))).toEqual({
    code: "WC_USAGE",
    message: `Cannot read the command line: ${problem}`,
    remedy: "See: workcell policy --help",
  });
});
