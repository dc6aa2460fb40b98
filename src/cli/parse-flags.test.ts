import fc from "fast-check";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import type { Command } from "./command.ts";
import { parseFlags } from "./parse-flags.ts";

const command: Command = {
  name: "any",
  summary: "",
  usage: "",
  flags: [
    { name: "name", short: "n", value: "NAME", help: "" },
    { name: "many", short: "m", value: "THING", repeat: true, help: "" },
    { name: "json", short: "j", help: "" },
    { name: "long-one", value: "X", help: "" },
  ],
  example: "",
  run: async () => 0,
};
const runs: Command = { ...command, commandFollows: true };

function read(argv: readonly string[], of = command) {
  const { flags, words } = parseFlags(of, argv);
  const given = ["name", "many", "json", "long-one", "help", "version"].filter((name) => flags.has(name));
  return { given: Object.fromEntries(given.map((name) => [name, flags.all(name)])), words };
}

test.each([
  [["-n", "a", "--json"], { name: ["a"], json: [] }],
  [["-na"], { name: ["a"] }],
  [["--name=a=b"], { name: ["a=b"] }],
  [["--name="], { name: [""] }],
  [["--name", "--json"], { name: ["--json"] }],
  [["-m", "a", "-mb", "--many", "c", "--many=d"], { many: ["a", "b", "c", "d"] }],
  [["-h"], { help: [] }],
  [["--version", "--help"], { help: [], version: [] }],
  [["--long-one", "-"], { "long-one": ["-"] }],
])("parseFlags(%j) reads flags", (argv, given) => {
  expect(read(argv)).toEqual({ given, words: [] });
});

test("parseFlags() gives the last value as text, and none of a flag that was not given", () => {
  const { flags } = parseFlags(command, ["-m", "a", "-m", "b", "-j"]);
  expect([flags.text("many"), flags.text("json"), flags.text("name"), flags.all("name")]).toEqual([
    "b",
    undefined,
    undefined,
    [],
  ]);
});

test("parseFlags() finds flags among the words, until --", () => {
  expect(read(["a", "-j", "-", "b", "--", "-n", "--", "c"])).toEqual({
    given: { json: [] },
    words: ["a", "-", "b", "-n", "--", "c"],
  });
});

test.each([
  [
    ["-j", "npm", "-n", "x", "--", "-j"],
    ["npm", "-n", "x", "--", "-j"],
  ],
  [
    ["-j", "--", "npm", "-n"],
    ["npm", "-n"],
  ],
  [
    ["-j", "--", "--", "-n"],
    ["--", "-n"],
  ],
  [["-j", "--", "-n"], ["-n"]],
  [
    ["-j", "-", "-n"],
    ["-", "-n"],
  ],
  [["-j", ""], [""]],
])("parseFlags(%j) leaves a command's own words alone", (argv, words) => {
  expect(read(argv, runs)).toEqual({ given: { json: [] }, words });
});

test("parseFlags() never loses or changes a word of a command", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
      expect(read(["-j", "--", ...words], runs).words).toEqual(words);
      fc.pre(!words[0]?.startsWith("-"));
      expect(read(["-j", ...words], runs).words).toEqual(words);
    }),
  );
});

test.each([
  [["--none"], '"--none" is not a flag of workcell any'],
  [["--none=x"], '"--none" is not a flag of workcell any'],
  [["--nam", "x"], '"--nam" is not a flag of workcell any'],
  [["-x"], '"-x" is not a flag of workcell any'],
  [["-undefined"], '"-u" is not a flag of workcell any'],
  [["--name"], '"--name" needs a value (NAME)'],
  [["-n"], '"-n" needs a value (NAME)'],
  [["-n", "a", "--name=b"], '"--name" is given twice'],
  [["--json=yes"], '"--json" takes no value, and "--json=yes" gives one'],
  [["-jn"], '"--json" takes no value, and "-jn" gives one'],
])("parseFlags(%j) is refused", async (argv, what) => {
  expect(await failureOf(() => parseFlags(command, argv))).toEqual({
    code: "WC_USAGE",
    message: `Cannot read the command line: ${what}`,
    remedy: "See: workcell any --help",
  });
});
