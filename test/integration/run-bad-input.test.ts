import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people, type RunOptions } from "../helpers/run-workcell.ts";

interface Case {
  readonly words: readonly string[];
  readonly env?: RunOptions["env"];
  /** Parts that the message has: the value as it was given, and where it came from. */
  readonly message: readonly string[];
  readonly remedy: string;
}

const flagMount = "(flag --mount)";
const pattern = (text: string, why: string): Case => ({
  ...{ words: ["--allow-host", text, "true"], remedy: "" },
  message: [JSON.stringify(text), "(flag --allow-host)", why],
});
const settings = (name: string, ...message: string[]): Case => ({
  ...{
    words: ["--settings", `files/${name}`, "true"],
    message: [path.join("files", name), ...message],
    remedy: "",
  },
});

/** Names as they stand below the desk; `files` holds what beforeAll writes. */
const cases: Readonly<Record<string, Case>> = {
  "no command": { words: [], message: ["no command is given"], remedy: "workcell run -m . npm test" },
  "no command after --": { words: ["--"], message: ["no command is given"], remedy: "workcell run" },
  "an unknown flag": {
    words: ["--frob", "true"],
    message: ['"--frob" is not a flag'],
    remedy: "workcell run --help",
  },
  "an unknown short flag": { words: ["-x", "true"], message: ['"-x" is not a flag'], remedy: "--help" },
  "a flag without its value": {
    words: ["--profile"],
    message: ['"--profile" needs a value'],
    remedy: "--help",
  },
  "a value for a flag that takes none": {
    words: ["--explain=1", "true"],
    message: ['"--explain=1"'],
    remedy: "--help",
  },
  "a flag given twice": {
    ...{
      words: ["--profile", "cowork", "--profile", "standard", "true"],
      message: ['"--profile" is given twice'],
    },
    remedy: "--help",
  },
  "an unknown profile": {
    ...{
      words: ["--profile", "fort", "true"],
      message: ['"fort"', "(flag --profile)"],
      remedy: "cowork, standard",
    },
  },
  "an unknown profile in the environment": {
    ...{ words: ["true"], env: { WORKCELL_PROFILE: "fort" } },
    ...{ message: ['"fort"', "(environment WORKCELL_PROFILE)"], remedy: "cowork, standard" },
  },
  "an unknown preset": {
    ...{
      words: ["--preset", "npm,cargo", "true"],
      message: ['"cargo"', "(flag --preset)"],
      remedy: "npm, pip, apt, git",
    },
  },
  "a tunnel that is not built": {
    words: ["--tunnel", "rope", "true"],
    message: ['"rope"', "(flag --tunnel)"],
    remedy: "socat",
  },
  "a tier that is not built": {
    words: ["--tier", "cloud", "true"],
    message: ['"cloud"', "(flag --tier)"],
    remedy: "process",
  },
  "a time-out that is none": {
    words: ["--timeout", "soon", "true"],
    message: ['"soon"', "(flag --timeout)"],
    remedy: "30s",
  },
  "a variable that is none": {
    words: ["-e", "A-B=1", "true"],
    message: ['"A-B"', "(flag --env)"],
    remedy: "NAME=VALUE",
  },
  "a uid range among the system's": {
    ...{ words: ["--uid-range", "1-5", "true"], message: ['"1-5"', "(flag --uid-range)"], remedy: "range" },
  },
  "a settings file that is missing": settings("missing.json", "(flag --settings)", "there is no such file"),
  "a settings file that is empty": settings("empty.json", "it is empty"),
  "a settings file that is no JSON": settings("broken.json", "it is not JSON at line 2, column 1"),
  "a settings file that is a list": settings("list.json", "it is a list; it must be an object"),
  "a settings file that is a folder": settings("a", "(flag --settings)", "it is a folder"),
  "a setting of the wrong type": settings("type.json", '"30"', "timeout", "it must be a string"),
  "a setting that there is not": settings("key.json", '"netwrok"', 'the nearest is "network"'),
  "a value of a settings file": settings("value.json", '"fort"', "profile"),
  "a pattern of a settings file": settings(
    "pattern.json",
    '"*"',
    "network.allow[1]",
    "it matches everything",
  ),
  "a mount of a settings file": settings("mount.json", '"/no/such/folder"', "mounts[0]", "does not exist"),
  "a settings file that the environment names": {
    ...{ words: ["true"], env: { WORKCELL_SETTINGS: "files/missing.json" }, remedy: "" },
    message: ["missing.json", "(environment WORKCELL_SETTINGS)", "there is no such file"],
  },
  "the person's own settings file": {
    ...{ words: ["true"], env: { XDG_CONFIG_HOME: "DESK/config" }, remedy: "" },
    message: ["DESK/config/workcell/settings.json", '"frob"'],
  },
  "a mount that does not exist": {
    words: ["-m", "nowhere:rw", "true"],
    message: ['"nowhere"', flagMount],
    remedy: "-m DIR",
  },
  "a mount that is a file": {
    words: ["-m", "files/empty.json:rw", "true"],
    message: ['"files/empty.json"', flagMount],
    remedy: "-m",
  },
  "a mount in a mode that there is not": {
    words: ["-m", "src=files,mode=write", "true"],
    message: ['"src=files,mode=write"', flagMount, "review, auto or rw"],
    remedy: "files:rw",
  },
  "a mount with a name that has no effect, or a mistyped mode": {
    words: ["-m", "files:wr", "true"],
    message: ['"files:wr"', flagMount, "is no mode"],
    remedy: "--profile cowork",
  },
  "a mount that is the whole system": {
    words: ["-m", "/:rw", "true"],
    message: ['"/"', flagMount],
    remedy: "-m",
  },
  "a mount that is the system's": {
    words: ["-m", "/etc:ro", "true"],
    message: ['"/etc"', flagMount],
    remedy: "-m",
  },
  "a mount that is the whole home": {
    words: ["-m", "DESK/home:rw", "true"],
    message: ['"DESK/home"', flagMount],
    remedy: "-m",
  },
  "two mounts of one name": {
    ...{
      words: ["--profile", "cowork", "-m", "files/a/same:ro", "-m", "files/b/same:rw", "true"],
      remedy: "",
    },
    message: ["files/b/same", flagMount, "same"],
  },
  "one folder twice": {
    words: ["-m", "files:ro", "-m", "files:rw", "true"],
    message: ["files", flagMount],
    remedy: "",
  },
  "a bare *": pattern("*", "it matches everything"),
  "a bare * with a port": pattern("*:443", "it matches everything"),
  "a pattern that is a URL": pattern("https://a.example", "scheme"),
  "a pattern with a path": pattern("a.example/x", "path"),
  "a pattern with a * inside": pattern("a.*.example", "only in front"),
  "a pattern with no port after its colon": pattern("a.example:http", "no port"),
  "a pattern that is no address": pattern("999.1.1.1", ""),
  "a pattern with a space": pattern("a .example", "space"),
  "an empty pattern": pattern("", "empty"),
  "a host to deny that cannot match": {
    ...{ words: ["--deny-host", "a/b", "true"], message: ['"a/b"', "(flag --deny-host)"], remedy: "" },
  },
  "a preset beside a mount that does not exist": {
    ...{
      words: ["--profile", "cowork", "-m", "nowhere:rw", "true"],
      message: ['"nowhere"'],
      remedy: "-m DIR",
    },
  },
  "a machine without bwrap": {
    ...{ words: ["true"], env: { PATH: "DESK/node-only" }, message: ["bwrap"], remedy: "nstall" },
  },
};

describe.each(people)("workcell run as $name, given", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
    for (const name of [
      "files",
      "files/a",
      "files/a/same",
      "files/b",
      "files/b/same",
      "config",
      "config/workcell",
    ])
      desk.folder(name);
    desk.file("files/empty.json", "");
    desk.file("files/broken.json", '{"profile": "cowork",\n}');
    desk.file("files/list.json", "[]");
    desk.file("files/type.json", '{"timeout": 30}');
    desk.file("files/key.json", '{"netwrok": {}}');
    desk.file("files/value.json", '{"profile": "fort"}');
    desk.file("files/pattern.json", '{"network": {"allow": ["a.example", "*"]}}');
    desk.file("files/mount.json", '{"mounts": ["/no/such/folder:ro"]}');
    desk.file("config/workcell/settings.json", '{"frob": 1}');
    desk.folder("node-only");
    desk.file("node-only/node", `#!/bin/sh\nexec ${process.execPath} "$@"\n`, 0o755);
    desk.file("node-only/sh", '#!/bin/sh\nexec /bin/sh "$@"\n', 0o755);
  });
  afterAll(() => desk[Symbol.dispose]());
  const place = () => path.dirname(desk.home);

  test.each(Object.entries(cases))(
    "%s: says what, where from and what to do; starts and writes nothing",
    async (_, bad) => {
      const here = (text: string) => text.replaceAll("DESK", place());
      const env = Object.fromEntries(Object.entries(bad.env ?? {}).map(([name, text]) => [name, here(text)]));
      const ended = await desk.run(bad.words.map(here), { cwd: place(), env });
      expect([ended.code, ended.stdout]).toEqual([125, ""]);
      const [message = "", remedy = "", ...more] = ended.stderr.split("\n");
      expect(more).toEqual([""]);
      expect(message).toMatch(/^workcell: \S/);
      for (const part of bad.message.map(here)) expect(message).toContain(part);
      expect(remedy).toMatch(/^ {2}remedy: [A-Z]/);
      expect(remedy).toContain(here(bad.remedy));
      expect(readdirSync(desk.home)).toEqual([]);
    },
  );

  test("the control: the same words with good values run, and write their records", async () => {
    const good = [
      "--profile",
      "standard",
      "-m",
      "files:rw",
      "--allow-host",
      "*.a.example:443",
      "--timeout",
      "20s",
    ];
    expect(await desk.run([...good, "true"], { cwd: place() })).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "",
    });
    expect(existsSync(path.join(desk.state, "sessions"))).toBe(true);
  });
});
