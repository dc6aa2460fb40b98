import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { fileLayer } from "./file-layer.ts";

const file = "/etc/x/settings.json";
const read = (text: string | Buffer) =>
  fileLayer(Buffer.from(text), file, { cwd: "/work", home: "/home/ann", env: {} });

const topLevel =
  "Remove it, or use one of $schema, profile, tunnel, tier, network, routes, mounts, workdir, environment, timeout, cpus, memory, pids, disk, output, idle, waive, uidRange";
const change = (key: string) =>
  `Change ${key} in "${file}"; the keys and their values are in docs/settings.md`;

test.each([
  ['{"netwrok": {}}', '"netwrok" (settings F): there is no such setting; the nearest is "network"', topLevel],
  ['{"registry": 1}', '"registry" (settings F): there is no such setting', topLevel],
  ['{"__proto__": {}}', '"__proto__" (settings F): there is no such setting', topLevel],
  [
    '{"network": {"alow": []}}',
    '"network.alow" (settings F): there is no such setting; the nearest is "network.allow"',
    "Remove it, or use one of allow, deny, presets",
  ],
  [
    '{"uidRange": {"first": 1, "last": 2, "frist": 3}}',
    '"uidRange.frist" (settings F): there is no such setting; the nearest is "uidRange.first"',
    "Remove it, or use one of first, last",
  ],
  [
    '{"profile": "none"}',
    '"none" (settings F: profile): it is no such value; it must be one of cowork, standard',
    change("profile"),
  ],
  [
    '{"profile": 1}',
    '"1" (settings F: profile): it is no such value; it must be one of cowork, standard',
    change("profile"),
  ],
  ['{"timeout": 30}', '"30" (settings F: timeout): it is a number; it must be a string', change("timeout")],
  ['{"workdir": null}', '"null" (settings F: workdir): it is null; it must be a string', change("workdir")],
  ['{"network": []}', '"[]" (settings F: network): it is a list; it must be an object', change("network")],
  ['{"mounts": ".:rw"}', '".:rw" (settings F: mounts): it is a string; it must be a list', change("mounts")],
  [
    '{"network": {"allow": ["a.example", {"b": 1}]}}',
    '"{"b":1}" (settings F: network.allow[1]): it is an object; it must be a string',
    change("network.allow[1]"),
  ],
  [
    '{"network": {"presets": ["cargo"]}}',
    '"cargo" (settings F: network.presets[0]): it is no such value; it must be one of npm, pip, apt, git',
    change("network.presets[0]"),
  ],
  [
    '{"environment": {"A": false}}',
    '"false" (settings F: environment.A): it is a boolean; it must be a string, or true to pass the host\'s value in',
    change("environment.A"),
  ],
  [
    '{"uidRange": {"first": 5000}}',
    '"uidRange.last" (settings F: uidRange.last): it is missing; it must be a number',
    change("uidRange.last"),
  ],
  [
    '{"uidRange": {"first": 5000.5, "last": 6000}}',
    '"5000.5" (settings F: uidRange.first): it is a number; it must be a whole number',
    change("uidRange.first"),
  ],
])("fileLayer(%s) names key, value, file and remedy", async (text, problem, remedy) => {
  expect(await failureOf(() => read(text))).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the setting ${problem.replace("settings F", `settings ${file}`)}`,
    remedy,
  });
});

test.each([
  ["", "it is empty; it must be a JSON object"],
  [" \n", "it is empty; it must be a JSON object"],
  ['{\n  "profile": "cowork",\n}', "it is not JSON at line 3, column 1"],
  ["profile: cowork", "it is not JSON at line 1, column 1"],
  ['{"profile": "cowork"', "it is not JSON at line 1, column 21"],
  [Buffer.from([0x7b, 0xff, 0x7d]), "it is not UTF-8 text; it must be a JSON object"],
])("fileLayer(%j) says where the file is no JSON", async (text, problem) => {
  expect(await failureOf(() => read(text))).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot read the settings file "${file}": ${problem}`,
    remedy: `Correct "${file}", or take it away; an empty object, {}, sets nothing`,
  });
});

test.each(["[]", "null", '"{}"', "7"])("fileLayer(%s) wants an object", async (text) => {
  const kind: Record<string, string> = { "[]": "a list", null: "null", '"{}"': "a string", "7": "a number" };
  expect(await failureOf(() => read(text))).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the settings "${text.replaceAll('"', "")}" (settings ${file}): it is ${kind[text]}; it must be an object`,
    remedy: change("the file"),
  });
});

test.each([
  ['{"mounts": ["src=.,mode=w"]}', /mount "src=\.,mode=w" \(settings .*: mounts\[0\]\): "w" is not a mode/],
  ['{"mounts": ["~/x:ro"]}', /mounts\[0\]\): Workcell does not expand "~"$/],
  ['{"timeout": "soon"}', /time-out "soon" \(settings .*: timeout\)/],
  ['{"environment": {"A-B": "1"}}', /environment variable "A-B" \(settings .*: environment\.A-B\)/],
  ['{"memory": "1M"}', /memory "1M" \(settings .*: memory\): below the 16M/],
  ['{"cpus": 0}', /number of CPUs "0" \(settings .*: cpus\): no CPU at all/],
  [
    '{"uidRange": {"first": 0, "last": 5}}',
    /uid range "0-5" \(settings .*: uidRange\): it begins below 1000/,
  ],
  ['{"workdir": ""}', /working directory "" \(settings .*: workdir\): it is empty/],
])("fileLayer(%s) checks the value as a flag's is checked", async (text, message) => {
  expect((await failureOf(() => read(text))).message).toMatch(message);
});

test("fileLayer() of an empty object says nothing, with or without a byte order mark", () => {
  const nothing = { allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] };
  expect([read("{}"), read("\ufeff{}\n")]).toEqual([nothing, nothing]);
});

test("fileLayer() shows a key that would steer the terminal", async () => {
  expect((await failureOf(() => read('{"\\u001b[2J": 1}'))).message).toBe(
    `Cannot use the setting "\\u001b[2J" (settings ${file}): there is no such setting`,
  );
});
