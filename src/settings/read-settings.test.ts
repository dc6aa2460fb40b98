import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import type { SettingsFlags } from "./layer.ts";
import { readSettings } from "./read-settings.ts";

const noFlags: SettingsFlags = { allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] };

/** A home with a settings file (as text or as an object), a folder to work in, and a way to read both. */
function house(own?: unknown) {
  const root = tempFolder();
  const [home, cwd] = [path.join(root, "home"), path.join(root, "work")];
  const file = path.join(home, ".config/workcell/settings.json");
  mkdirSync(path.dirname(file), { recursive: true });
  mkdirSync(cwd);
  const text = (content: unknown) => (typeof content === "string" ? content : JSON.stringify(content));
  if (own !== undefined) writeFileSync(file, text(own));
  return {
    home,
    cwd,
    file,
    write(name: string, content: unknown) {
      writeFileSync(path.join(cwd, name), text(content));
      return path.join(cwd, name);
    },
    read(flags: Partial<SettingsFlags> = {}, env: Record<string, string> = {}) {
      return readSettings({ flags: { ...noFlags, ...flags }, env, cwd, home });
    },
  };
}

const everything = {
  $schema: "./settings.schema.json",
  profile: "cowork",
  tunnel: "socat",
  tier: "process",
  network: { allow: ["a.example", "*.b.example:443"], deny: ["c.example"], presets: ["npm"] },
  mounts: ["sub:ro", "/abs:named:rw"],
  workdir: "/sessions",
  environment: { A: "1", TOKEN: true },
  timeout: "5m",
  cpus: 1.5,
  memory: "512M",
  pids: 100,
  disk: "1G",
  output: "1M",
  idle: "1m",
  waive: ["disk"],
  uidRange: { first: 54321, last: 54330 },
};

test("readSettings() reads every key of the person's own file, each with its place as origin", async () => {
  const { file, read } = house(everything);
  const from = <T>(key: string, value: T) => ({ value, origin: `settings ${file}: ${key}` });
  expect(await read()).toEqual({
    settings: {
      profile: from("profile", "cowork"),
      tunnel: from("tunnel", "socat"),
      tier: from("tier", "process"),
      allowHosts: [from("network.allow[0]", "a.example"), from("network.allow[1]", "*.b.example:443")],
      denyHosts: [from("network.deny[0]", "c.example")],
      presets: [
        from("network.presets[0]", "npm"),
        ...["pip", "apt", "git"].map((value) => ({ value, origin: "profile cowork" })),
      ],
      mounts: [
        from("mounts[0]", { source: path.join(path.dirname(file), "sub"), mode: "ro" }),
        from("mounts[1]", { source: "/abs", name: "named", mode: "rw" }),
      ],
      workdir: from("workdir", "/sessions"),
      environment: [
        from("environment.A", { name: "A", value: "1" }),
        from("environment.TOKEN", { name: "TOKEN" }),
      ],
      timeoutMs: from("timeout", 300_000),
      cpus: from("cpus", 1.5),
      memoryBytes: from("memory", 512 * 1024 ** 2),
      pids: from("pids", 100),
      diskBytes: from("disk", 1024 ** 3),
      outputBytes: from("output", 1024 ** 2),
      idleMs: from("idle", 60_000),
      waive: [from("waive", "disk")],
      uidRange: from("uidRange", { first: 54321, last: 54330 }),
    },
    notices: [],
  });
});

test("readSettings() lets each source yield to the next stronger one", async () => {
  const place = house({ profile: "cowork", timeout: "1s", network: { allow: ["own.example"] } });
  const named = place.write("named.json", { timeout: "2s", network: { allow: ["named.example"] } });
  const env = { WORKCELL_TIMEOUT: "3s", WORKCELL_PROFILE: "standard" };
  const origins = async (flags: Partial<SettingsFlags>, variables: Record<string, string>) => {
    const { settings } = await place.read(flags, variables);
    const { profile, timeoutMs, allowHosts } = settings;
    return [profile, timeoutMs, ...allowHosts].map((one) => `${one?.value} ${one?.origin}`);
  };
  const own = `settings ${place.file}`;
  expect(await origins({}, {})).toEqual([
    `cowork ${own}: profile`,
    `1000 ${own}: timeout`,
    `own.example ${own}: network.allow[0]`,
  ]);
  expect(await origins({ settings: "named.json" }, {})).toEqual([
    `cowork ${own}: profile`,
    `2000 settings ${named}: timeout`,
    `own.example ${own}: network.allow[0]`,
    `named.example settings ${named}: network.allow[0]`,
  ]);
  expect(await origins({ settings: "named.json" }, env)).toEqual([
    "standard environment WORKCELL_PROFILE",
    "3000 environment WORKCELL_TIMEOUT",
    `own.example ${own}: network.allow[0]`,
    `named.example settings ${named}: network.allow[0]`,
  ]);
  const flags = { settings: "named.json", timeout: "4s", profile: "cowork", allowHosts: ["flag.example"] };
  expect(await origins(flags, env)).toEqual([
    "cowork flag --profile",
    "4000 flag --timeout",
    `own.example ${own}: network.allow[0]`,
    `named.example settings ${named}: network.allow[0]`,
    "flag.example flag --allow-host",
  ]);
});

test("readSettings() reads every flag and every variable", async () => {
  const { read } = house();
  const flags: SettingsFlags = {
    profile: "standard",
    tunnel: "socat",
    tier: "process",
    workdir: "/w",
    timeout: "1s",
    session: "a-b",
    uidRange: "5000-6000",
    allowHosts: ["a.example"],
    denyHosts: ["b.example"],
    presets: ["npm,pip", "git"],
    mounts: [".:rw"],
    environment: ["A=1", "B"],
  };
  const { settings } = await read(flags);
  const from = <T>(name: string, value: T) => ({ value, origin: `flag --${name}` });
  expect(settings).toEqual({
    profile: from("profile", "standard"),
    tunnel: from("tunnel", "socat"),
    tier: from("tier", "process"),
    workdir: from("workdir", "/w"),
    timeoutMs: from("timeout", 1000),
    session: from("session", "a-b"),
    uidRange: from("uid-range", { first: 5000, last: 6000 }),
    allowHosts: [from("allow-host", "a.example")],
    denyHosts: [from("deny-host", "b.example")],
    presets: [from("preset", "npm"), from("preset", "pip"), from("preset", "git")],
    mounts: [from("mount", { source: ".", mode: "rw" })],
    environment: [from("env", { name: "A", value: "1" }), from("env", { name: "B" })],
  });
  const env = {
    WORKCELL_PROFILE: "cowork",
    WORKCELL_TUNNEL: "socat",
    WORKCELL_TIER: "process",
    WORKCELL_TIMEOUT: "2s",
    WORKCELL_UID_RANGE: "7000-8000",
  };
  const { profile, tunnel, tier, timeoutMs, uidRange } = (await read({}, env)).settings;
  const by = <T>(name: string, value: T) => ({ value, origin: `environment WORKCELL_${name}` });
  expect([profile, tunnel, tier, timeoutMs, uidRange]).toEqual([
    by("PROFILE", "cowork"),
    by("TUNNEL", "socat"),
    by("TIER", "process"),
    by("TIMEOUT", 2000),
    by("UID_RANGE", { first: 7000, last: 8000 }),
  ]);
});

test("readSettings() takes the file of --settings over that of WORKCELL_SETTINGS, and an empty variable as unset", async () => {
  const place = house();
  place.write("a.json", { workdir: "/a" });
  place.write("b.json", { workdir: "/b" });
  const workdir = async (flags: Partial<SettingsFlags>, env: Record<string, string>) =>
    (await place.read(flags, env)).settings.workdir?.value;
  expect([
    await workdir({}, { WORKCELL_SETTINGS: "a.json" }),
    await workdir({ settings: "b.json" }, { WORKCELL_SETTINGS: "a.json" }),
    await workdir({}, { WORKCELL_SETTINGS: "", WORKCELL_PROFILE: "" }),
  ]).toEqual(["/a", "/b", undefined]);
});

test("readSettings() finds the person's file where XDG_CONFIG_HOME says", async () => {
  const { read, cwd } = house({ workdir: "/home" });
  mkdirSync(path.join(cwd, "xdg/workcell"), { recursive: true });
  writeFileSync(path.join(cwd, "xdg/workcell/settings.json"), '{"workdir": "/xdg"}');
  expect((await read({}, { XDG_CONFIG_HOME: path.join(cwd, "xdg") })).settings.workdir?.value).toBe("/xdg");
  expect((await read({}, { XDG_CONFIG_HOME: "xdg" })).settings.workdir?.value).toBe("/home");
});

test("readSettings() refuses a named file that is missing, a folder, empty or too large", async () => {
  const place = house();
  mkdirSync(path.join(place.cwd, "folder"));
  place.write("large.json", " ".repeat(1024 * 1024 + 1));
  const refusal = (settings: string) => failureOf(() => place.read({ settings }));
  const remedy = "Name a file that exists and can be read, or leave out flag --settings";
  const message = (name: string, problem: string) =>
    `Cannot read the settings file "${path.join(place.cwd, name)}" (flag --settings): ${problem}`;
  expect([
    await refusal("none.json"),
    await refusal("folder"),
    await refusal("large.json"),
    await refusal(""),
  ]).toEqual([
    { code: "WC_SETTINGS", message: message("none.json", "there is no such file"), remedy },
    { code: "WC_SETTINGS", message: message("folder", "it is a folder; it must be a file"), remedy },
    { code: "WC_SETTINGS", message: message("large.json", "it is larger than 1 MiB"), remedy },
    {
      code: "WC_SETTINGS",
      message: 'Cannot read the settings file "" (flag --settings): it is no name of a file',
      remedy,
    },
  ]);
  expect(await failureOf(() => place.read({}, { WORKCELL_SETTINGS: "none.json" }))).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot read the settings file "${path.join(place.cwd, "none.json")}" (environment WORKCELL_SETTINGS): there is no such file`,
    remedy: "Name a file that exists and can be read, or leave out environment WORKCELL_SETTINGS",
  });
});

test("readSettings() takes a default file that cannot be read for a fault, not for missing", async () => {
  const { file, read } = house();
  mkdirSync(file);
  expect(await failureOf(() => read())).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot read the settings file "${file}" (the default place): it is a folder; it must be a file`,
    remedy: `Make "${file}" readable, or take it away`,
  });
});

test.skipIf(process.getuid?.() === 0)("readSettings() says that a file may not be read", async () => {
  const { file, read } = house({});
  chmodSync(file, 0);
  expect((await failureOf(() => read())).message).toMatch(/it may not be read by this user$/);
});
