import { expect, test } from "vitest";
import type { Command } from "../command.ts";
import { renderHelp, renderOverview } from "./help.ts";

const command: Command = {
  name: "wave",
  summary: "wave to somebody",
  usage: "[FLAGS] NAME",
  flags: [
    { name: "times", short: "t", value: "N", repeat: true, help: "how often" },
    { name: "loud", help: "so that all hear it" },
  ],
  example: "workcell wave -t 3 ann",
  run: async () => 0,
};

test("renderHelp() shows what a command is, its flags and an example", () => {
  expect(renderHelp(command)).toBe(`workcell wave: wave to somebody

Usage: workcell wave [FLAGS] NAME

  -t, --times N  how often (repeatable)
      --loud     so that all hear it
  -h, --help     show this help
      --version  show Workcell's version

Example: workcell wave -t 3 ann
`);
});

test("renderOverview() lists every command in a column", () => {
  expect(
    renderOverview([command, { ...command, name: "go", summary: "leave" }]),
  ).toBe(`workcell: a fenced Linux computer for an AI coworker

Usage: workcell COMMAND [FLAGS] [ARGUMENTS]

  wave  wave to somebody
  go    leave

First, in a folder of yours: workcell run -m . --preset npm npm test, then workcell diff and workcell apply.
Without an account: workcell agent --model scripted. Every command has --help.
`);
});
