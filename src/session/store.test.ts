import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { from, facts as someFacts, settings as someSettings } from "../../test/helpers/plan-input.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { startTime } from "../launch/index.ts";
import type { HostFacts, Settings } from "../model/index.ts";
import { imagineSession, openSession } from "./store.ts";

const isRoot = process.getuid?.() === 0;
const [first, last] = [1_900_000_000, 1_900_000_001];

function place(uid = 1000) {
  const home = tempFolder();
  const state = path.join(home, ".local/state/workcell");
  const own = { records: state, steering: [] };
  const host: HostFacts = { ...someFacts, uid, home, environment: {}, own };
  const input = (more: Partial<Settings> = {}) => ({
    host,
    settings: { ...someSettings, uidRange: from({ first, last }), ...more },
  });
  const named = (name: string) => input({ session: from(name, "flag --session") });
  const names = (folder: string) =>
    existsSync(path.join(state, folder)) ? readdirSync(path.join(state, folder)).sort() : [];
  const record = (name: string) => path.join(state, "sessions", name, "session.json");
  return { state, input, named, names, record };
}

const readJson = (file: string) => JSON.parse(readFileSync(file, "utf8")) as unknown;
const modeOf = (file: string) => (statSync(file).mode & 0o7777).toString(8);

test("openSession() makes a session with a home, a cell and a marker, and close() leaves its records", () => {
  const { state, input, names, record } = place();
  const session = openSession(input());
  const { name, folder, cell } = session.facts;
  expect(session.facts).toEqual({ name, folder: path.join(state, "sessions", name), cell });
  expect(session.cellFolder).toBe(path.join(folder, "cells", cell));
  expect(cell).toMatch(/^[0-9a-f]{12}$/);
  expect(names(`sessions/${name}`)).toEqual(["cells", "home", "session.json", "tmp"]);
  expect(["", "home", "tmp", "session.json"].map((part) => modeOf(path.join(folder, part)))).toEqual([
    ...["700", "700", "1777", "600"],
  ]);
  expect(readJson(record(name))).toEqual({
    schema: "workcell.session/1",
    name,
    created: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    durable: false,
  });
  const marker = path.join(state, "running", `${name}.${cell}`);
  expect(readFileSync(marker, "utf8")).toBe(`${process.pid} ${startTime(process.pid)} once\n`);
  session.close();
  expect([names("running"), names(`sessions/${name}`)]).toEqual([[], ["cells", "session.json"]]);
});

test("abandon() leaves nothing of a session that was made for the cell", () => {
  const { input, names } = place();
  openSession(input()).abandon();
  expect([names("running"), names("sessions")]).toEqual([[], []]);
});

test("openSession() opens a named session again, and keeps its home", () => {
  const { named, names } = place();
  const one = openSession(named("calm-curie"));
  writeFileSync(path.join(one.facts.folder, "home/kept"), "");
  one.close();
  const two = openSession(named("calm-curie"));
  expect([two.facts.name, two.facts.cell === one.facts.cell]).toEqual(["calm-curie", false]);
  expect(names("sessions/calm-curie/home")).toEqual(["kept"]);
  two.abandon();
  expect([names("sessions/calm-curie/home"), names("sessions/calm-curie/cells")]).toEqual([
    ["kept"],
    [one.facts.cell],
  ]);
});

test("imagineSession() writes nothing", () => {
  const { input, named, names } = place(0);
  expect(imagineSession(input())).toMatchObject({ uid: first });
  expect(imagineSession(named("calm-curie")).name).toBe("calm-curie");
  expect(names(".")).toEqual([]);
});

const anotherName = "Name another session: --session NAME";
const refusal = (name: string, why: string, remedy = anotherName) => ({
  code: "WC_SESSION",
  message: `Cannot open session "${name}": ${why}`,
  remedy,
});

test("openSession() refuses a name that is none, and writes nothing", async () => {
  const { named, names } = place();
  for (const name of ["../x", "", "A", "x".repeat(65)]) {
    expect(await failureOf(() => openSession(named(name)))).toEqual({
      code: "WC_SESSION",
      message: `Cannot open session "${name}" (flag --session): a name is lower-case words joined by "-", at most 64 characters`,
      remedy: "Name it like brave-loving-maxwell",
    });
  }
  expect(names(".")).toEqual([]);
});

test("openSession() refuses a session that has ended, instead of making one of another name", async () => {
  const { input, named, names } = place();
  const { facts, close } = openSession(input());
  close();
  expect(await failureOf(() => openSession(named(facts.name)))).toEqual(
    refusal(facts.name, "it has ended, and only its records are left"),
  );
  expect(names("sessions")).toEqual([facts.name]);
});

test("openSession() refuses the session of a running command, and leaves it as it is", async () => {
  const { input, named, names } = place();
  const { facts, close } = openSession(input());
  writeFileSync(path.join(facts.folder, "home/kept"), "");
  expect(await failureOf(() => openSession(named(facts.name)))).toEqual(
    refusal(
      facts.name,
      "it belongs to one running command and goes with it",
      "Name a session of your own: --session NAME",
    ),
  );
  expect(names("running")).toEqual([`${facts.name}.${facts.cell}`]);
  expect(names(`sessions/${facts.name}/home`)).toEqual(["kept"]);
  close();
});

test("abandon() leaves a session to whoever has opened it since", () => {
  const { named, names } = place();
  const [one, two] = [openSession(named("calm-curie")), openSession(named("calm-curie"))];
  expect([one.isFresh, two.isFresh]).toEqual([true, false]);
  one.abandon();
  expect(names("sessions/calm-curie")).toEqual(["cells", "home", "session.json", "tmp"]);
  two.close();
  expect(names("sessions/calm-curie/cells")).toEqual([two.facts.cell]);
  // Control: what nobody else has opened goes, as does one of root's with its user.
  openSession(named("lone-curie")).abandon();
  expect([names("sessions"), names("running"), names("locks")]).toEqual([["calm-curie"], [], []]);
});

test("openSession() makes anew what a killed run had half made, and touches nothing without its marker", async () => {
  const { state, named, names } = place();
  const half = path.join(state, "sessions/calm-curie");
  mkdirSync(path.join(half, "home"), { recursive: true });
  writeFileSync(path.join(half, "home/stale"), "");
  expect((await failureOf(() => openSession(named("calm-curie")))).code).toBe("WC_SESSION");
  expect(names("sessions/calm-curie/home")).toEqual(["stale"]);
  mkdirSync(path.join(state, "running"), { recursive: true });
  writeFileSync(path.join(state, "running/calm-curie.c1"), "4194305 100 durable\n");
  const { isFresh, close } = openSession(named("calm-curie"));
  expect([isFresh, names("sessions/calm-curie/home")]).toEqual([true, []]);
  close();
});

const fine = {
  schema: "workcell.session/1",
  name: "calm-curie",
  created: "2026-01-01T00:00:00Z",
  durable: true,
};

test.each([
  ["is missing", undefined],
  ["is empty", ""],
  ["is torn", '{"schema":"workcell.session/1","na'],
  ["is null", "null"],
  ["is of another schema", JSON.stringify({ ...fine, schema: "workcell.session/2" })],
  ["is another session's", JSON.stringify({ ...fine, name: "other" })],
  ["does not say whether it lasts", JSON.stringify({ ...fine, durable: undefined })],
  ["names root as its user", JSON.stringify({ ...fine, uid: 0 })],
  ["has a user that is no number", JSON.stringify({ ...fine, uid: "7" })],
])("openSession() refuses a session whose record %s", async (_, text) => {
  const { named, record, names } = place();
  openSession(named("calm-curie")).close();
  rmSync(record("calm-curie"));
  if (text !== undefined) writeFileSync(record("calm-curie"), text);
  expect(await failureOf(() => openSession(named("calm-curie")))).toEqual(
    refusal("calm-curie", `its record ${record("calm-curie")} cannot be read or is damaged`),
  );
  expect(names("running")).toEqual([]);
});

test("openSession() opens no session of root's for a user, and none of a user's for root", async () => {
  const [user, root] = [place(1000), place(0)];
  const make = (where: ReturnType<typeof place>, record: object) => {
    mkdirSync(path.join(path.dirname(where.record("calm-curie")), "home"), { recursive: true });
    writeFileSync(where.record("calm-curie"), JSON.stringify(record));
    return failureOf(() => openSession(where.named("calm-curie")));
  };
  expect([await make(user, { ...fine, uid: 7 }), await make(root, fine)]).toEqual([
    refusal(
      "calm-curie",
      "it was made by root, and has a user of its own",
      "Open it as root, or name another session: --session NAME",
    ),
    refusal("calm-curie", "it was made by an ordinary user, and root's sessions need one of their own"),
  ]);
});

test.runIf(isRoot)(
  "openSession() gives root's session a user of its own, and takes it back at the end",
  () => {
    const { state, input, names } = place(0);
    const { facts, close } = openSession(input());
    const { folder, name, uid = 0 } = facts;
    expect([first, last]).toContain(uid);
    expect(readFileSync(path.join(state, "uids", `${uid}`), "utf8")).toBe(`${name}\n`);
    for (const part of ["home", "tmp"]) {
      const { uid: owner, gid } = statSync(path.join(folder, part));
      expect([owner, gid]).toEqual([uid, uid]);
    }
    close();
    expect(names("uids")).toEqual([]);
  },
);

test.runIf(isRoot)("openSession() leaves nothing when every user is taken", async () => {
  const { input, names } = place(0);
  const sessions = [openSession(input()), openSession(input())];
  expect((await failureOf(() => openSession(input()))).message).toMatch(/every uid of .* is taken$/);
  expect(names("sessions").length).toBe(2);
  for (const session of sessions) session.abandon();
  expect([names("sessions"), names("uids"), names("running")]).toEqual([[], [], []]);
});

test.runIf(isRoot)("openSession() refuses a session whose user is not recorded as its own", async () => {
  const { state, named } = place(0);
  const { facts, close } = openSession(named("calm-curie"));
  close();
  const file = path.join(state, "uids", `${facts.uid}`);
  // Control: as it is, it opens.
  openSession(named("calm-curie")).close();
  const why = `${file} must say that uid ${facts.uid} is its own, and does not`;
  const attempt = () => failureOf(() => openSession(named("calm-curie")));
  writeFileSync(file, "other\n");
  expect(await attempt()).toEqual(refusal("calm-curie", why));
  rmSync(file);
  expect(await attempt()).toEqual(refusal("calm-curie", why));
});

test("openSession() refuses a range that meets somebody's subordinate uids before it writes anything", async () => {
  const { input, names } = place(0);
  const { host, settings } = input();
  const subuids = [{ owner: "ann", first: last, count: 1 }];
  const failure = await failureOf(() => openSession({ settings, host: { ...host, subuids } }));
  expect([failure.code, names(".")]).toEqual(["WC_SETTINGS", []]);
});
