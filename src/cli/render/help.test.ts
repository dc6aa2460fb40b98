import { expect, test } from "vitest";
import type { Command, Flag } from "../command.ts";
import { commands, subcommands } from "../commands/index.ts";
import { flagsOf } from "../parse-flags.ts";
import { helpWidth, renderHelp, renderOverview } from "./help.ts";

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
  expect(renderHelp(command, 80)).toBe(`workcell wave: wave to somebody

Usage: workcell wave [FLAGS] NAME

  -t, --times N  how often (repeatable)
      --loud     so that all hear it
  -h, --help     show this help
      --version  show Workcell's version

Example: workcell wave -t 3 ann
`);
});

test("renderHelp() breaks lines at the width, and puts what is for below its flag where there is little", () => {
  const told = {
    ...command,
    notes: ["Everybody who is near will see it."],
    parts: [{ name: "hand", help: "with a hand" }],
  };
  expect(renderHelp(told, 30)).toBe(`workcell wave: wave to
somebody

Usage: workcell wave [FLAGS] NAME

Everybody who is near will see
it.

  hand
          with a hand

  -t, --times N
          how often
          (repeatable)
      --loud
          so that all hear it
  -h, --help
          show this help
      --version
          show Workcell's
          version

Example: workcell wave -t 3 ann
`);
});

test("renderHelp() gives a long list headings, in one order, with one width for all", () => {
  const plain = [..."abcdefghijk"].map((letter): Flag => ({ name: letter, help: letter, group: "Limits" }));
  const long: Command = {
    ...command,
    flags: [
      { name: "strange", help: "rarely", group: "Unusual" },
      ...plain,
      { name: "usual", short: "u", help: "often", group: "Everyday" },
    ],
  };
  expect(renderHelp(long, 80)).toBe(`workcell wave: wave to somebody

Usage: workcell wave [FLAGS] NAME

Everyday:
  -u, --usual    often

Limits:
${plain.map(({ name }) => `      --${name}        ${name}\n`).join("")}
Unusual:
      --strange  rarely

Help:
  -h, --help     show this help
      --version  show Workcell's version

Example: workcell wave -t 3 ann
`);
});

const everyCommand = async () =>
  Promise.all([...Object.values(commands), ...Object.values(subcommands)].map((load) => load()));

test.each([80, 120])(
  "every command's help is at most %i columns wide, and names each flag once",
  async (width) => {
    for (const one of await everyCommand()) {
      const lines = renderHelp(one, width).split("\n");
      expect(lines.filter((line) => line.length > width)).toEqual([]);
      const named = lines.flatMap((line) => /^ {2}(?:-\w, | {4})--([a-z-]+)/.exec(line)?.[1] ?? []);
      expect(named.sort()).toEqual(
        flagsOf(one)
          .map(({ name }) => name)
          .sort(),
      );
    }
  },
);

test("of a long list, every flag but help and version has a heading", async () => {
  for (const one of await everyCommand()) {
    if (!renderHelp(one, 80).includes("\nEveryday:\n")) continue;
    const without = flagsOf(one).filter(({ group }) => group === undefined);
    expect(without.map(({ name }) => name)).toEqual(["help", "version"]);
  }
});

test("helpWidth() is the terminal's, as far as one reads with ease", () => {
  const stream = (columns?: number) => Object.assign(Object.create(process.stdout), { columns });
  expect([stream(72), stream(200), stream(0), stream()].map(helpWidth)).toEqual([72, 120, 80, 80]);
});

test("renderOverview() lists every command in a column", () => {
  expect(
    renderOverview([command, { ...command, name: "go", summary: "leave" }], 80),
  ).toBe(`workcell: a fenced Linux computer for an AI coworker

Usage: workcell COMMAND [FLAGS] [ARGUMENTS]

  wave  wave to somebody
  go    leave

A command runs in a cell, with what it needs and nothing else of yours. What
stays of it, its changes to your folder among them, is its session.

First, in a folder of yours: workcell run -m . -- sh -c "date > now.txt", then
workcell diff and workcell apply.
Without an account: workcell agent --model scripted. Every command has --help.
`);
});
