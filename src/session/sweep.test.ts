import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { startTime } from "../launch/index.ts";
import { findLeftovers, pruneRecords } from "./sweep.ts";

/** The highest pid that Linux can ever give, and one more: never alive. */
const DEAD = 4_194_305;

const machine = { mountTable: "", cgroups: { kind: "none", swap: false, missing: "none here" } } as const;

function place() {
  const state = tempFolder();
  for (const folder of ["sessions", "running", "uids"]) mkdirSync(path.join(state, folder));
  const notices: string[] = [];
  const add = (name: string, marker: string | undefined) => {
    for (const folder of ["home/deep", "tmp", "cells/c1"])
      mkdirSync(path.join(state, "sessions", name, folder), { recursive: true });
    if (marker !== undefined) writeFileSync(path.join(state, "running", `${name}.c1`), marker);
  };
  const names = (folder: string) => readdirSync(path.join(state, folder)).sort();
  const sweep = () => findLeftovers(state, machine).clear((notice) => notices.push(notice));
  return { state, add, names, sweep, notices };
}

test("clear() takes the home of a run that was killed, and keeps its records", () => {
  const { add, names, sweep, notices } = place();
  add("killed", `${DEAD} 100 once\n`);
  sweep();
  expect([names("running"), names("sessions/killed"), notices]).toEqual([[], ["cells"], []]);
});

test("clear() of several starts finds one that was killed among many that live, and with one all others", () => {
  const { add, names, sweep } = place();
  const live = Array.from({ length: 150 }, (_, index) => `live-${index}`);
  for (const name of live) add(name, `${process.pid} ${startTime(process.pid)} once\n`);
  const killed = Array.from({ length: 80 }, (_, index) => `killed-${index}`);
  for (const name of killed) add(name, `${DEAD} 100 once\n`);
  // Each start misses all of them only where none is among 64 neighbours: 400 of them never do.
  for (let starts = 0; starts < 400 && names("running").length > live.length; starts += 1) sweep();
  expect(names("running")).toEqual(live.map((name) => `${name}.c1`).sort());
});

test("clear() knows a pid that is another process's by now", () => {
  const { add, names, sweep } = place();
  add("reused", `${process.pid} 1 once\n`);
  // Control: the same pid with the time at which this very process started.
  add("live", `${process.pid} ${startTime(process.pid)} once\n`);
  sweep();
  expect([names("running"), names("sessions/reused"), names("sessions/live")]).toEqual([
    ["live.c1"],
    ["cells"],
    ["cells", "home", "tmp"],
  ]);
});

test("clear() leaves a durable session's home, and a marker that is being written", () => {
  const { add, names, sweep } = place();
  add("durable", `${DEAD} 100 durable\n`);
  add("new", "");
  add("idle", undefined);
  sweep();
  expect([
    names("running"),
    names("sessions/durable"),
    names("sessions/new"),
    names("sessions/idle"),
  ]).toEqual([["new.c1"], ...[0, 1, 2].map(() => ["cells", "home", "tmp"])]);
});

test("clear() gives a killed session's uid back, unless it is another's by now", () => {
  const { state, add, names, sweep } = place();
  add("killed", `${DEAD} 100 1900000001\n`);
  add("older", `${DEAD} 100 1900000002\n`);
  writeFileSync(path.join(state, "uids/1900000001"), "killed\n");
  writeFileSync(path.join(state, "uids/1900000002"), "newer\n");
  sweep();
  expect(names("uids")).toEqual(["1900000002"]);
});

test("clear() finds the uid of a run that was killed before it could note it", () => {
  const { state, add, names, sweep } = place();
  add("killed", `${DEAD} 100 once\n`);
  for (const [uid, name] of [
    ["1900000001", "killed"],
    ["1900000002", "newer"],
    [".killed", "killed"],
  ] as const)
    writeFileSync(path.join(state, "uids", uid), `${name}\n`);
  sweep();
  expect(names("uids")).toEqual(["1900000002"]);
});

test("clear() takes a session whole that was never finished, unless somebody else is making it", () => {
  const { state, names, sweep } = place();
  const half = (name: string) => mkdirSync(path.join(state, "sessions", name, "home"), { recursive: true });
  const mark = (file: string, text: string) => writeFileSync(path.join(state, "running", file), text);
  for (const name of ["once", "named", "taken-up"]) half(name);
  mark("once.c1", `${DEAD} 100 once\n`);
  mark("named.c1", `${DEAD} 100 durable\n`);
  mark("taken-up.c1", `${DEAD} 100 durable\n`);
  mark("taken-up.c2", `${process.pid} ${startTime(process.pid)} durable\n`);
  sweep();
  expect([names("sessions"), names("running")]).toEqual([["taken-up"], ["taken-up.c2"]]);
});

test("clear() takes the drafts of markers that nobody is writing any more", () => {
  const { state, names, sweep } = place();
  const draft = (name: string, text: string) => writeFileSync(path.join(state, "running", name), text);
  draft(".old.c1", "");
  utimesSync(path.join(state, "running/.old.c1"), 0, 0);
  draft(".new.c1", "");
  draft(".killed.c1", `${DEAD} 100 once\n`);
  sweep();
  expect(names("running")).toEqual([".new.c1"]);
});

test("clear() takes drafts that no space was left for, whatever they hold", () => {
  const { state, names, sweep } = place();
  for (const file of ["running/.old.c1", "uids/.old", "running/.new.c1", "uids/.new"])
    writeFileSync(path.join(state, file), `${process.pid} ${startTime(process.pid)} once\n`);
  for (const file of ["running/.old.c1", "uids/.old"]) utimesSync(path.join(state, file), 0, 0);
  sweep();
  expect([names("running"), names("uids")]).toEqual([[".new.c1"], [".new"]]);
});

test("clear() takes what a killed run had begun to take away", () => {
  const { state, add, names, sweep } = place();
  add("killed", `${DEAD} 100 once\n`);
  mkdirSync(path.join(state, "sessions/killed/.gone-abcdef/home/deep"), { recursive: true });
  sweep();
  expect(names("sessions/killed")).toEqual(["cells"]);
});

test("clear() says what it cannot clear, keeps its marker and goes on", () => {
  const { state, add, names, sweep, notices } = place();
  add("a-stuck", `${DEAD} 100 1900000001\n`);
  mkdirSync(path.join(state, "uids/1900000001"));
  add("b-killed", `${DEAD} 100 once\n`);
  sweep();
  expect([names("running"), names("sessions/b-killed")]).toEqual([["a-stuck.c1"], ["cells"]]);
  expect(notices).toEqual([expect.stringContaining("EISDIR")]);
});

function placeWithRecords(count: number) {
  const { state, add, names, sweep } = place();
  const ended = (index: number) => path.join(state, "sessions", `ended-${index}`);
  const make = (index: number) => {
    mkdirSync(ended(index));
    utimesSync(ended(index), index, index);
  };
  for (let index = 0; index < count; index++) make(index);
  add("open", undefined);
  utimesSync(path.join(state, "sessions/open"), 0, 0);
  const oldest = () => [0, 3, 4, count - 1].map((index) => existsSync(ended(index)));
  return { state, names, sweep, make, oldest };
}

test("clear() has the oldest records of ended sessions taken, when there are very many", async () => {
  const { names, sweep, make, oldest } = placeWithRecords(248);
  sweep();
  expect(names("sessions").length).toBe(249);
  make(248);
  sweep();
  await expect.poll(() => names("sessions").length, { timeout: 10_000 }).toBe(201);
  expect(oldest()).toEqual([false, false, false, true]);
  expect(["ended-48", "ended-49", "open"].map((name) => names("sessions").includes(name))).toEqual([
    ...[false, true, true],
  ]);
});

test("what was taken out of a folder, or is kept for undo, goes with nobody's records", async () => {
  const { state, names, sweep, oldest } = placeWithRecords(250);
  const put = (file: string) => {
    mkdirSync(path.dirname(path.join(state, "sessions", file)), { recursive: true });
    writeFileSync(path.join(state, "sessions", file), "the person's");
  };
  put("ended-0/steps/1/kept/0");
  put("ended-3/quarantine/1/hook");
  // Given up already, and never there: both go.
  put("ended-1/steps/1/journal.json");
  mkdirSync(path.join(state, "sessions/ended-2/steps/1/kept"), { recursive: true });
  for (const index of [0, 1, 2, 3]) utimesSync(path.join(state, `sessions/ended-${index}`), index, index);
  sweep();
  await expect.poll(() => names("sessions").length, { timeout: 10_000 }).toBe(203);
  expect(oldest()).toEqual([true, true, false, true]);
  for (const name of ["ended-1", "ended-2", "ended-4", "ended-5"])
    expect(names("sessions")).not.toContain(name);
});

test("pruneRecords() has the oldest taken when there are many", async () => {
  const few = placeWithRecords(150);
  const many = placeWithRecords(210);
  pruneRecords(few.state);
  pruneRecords(many.state);
  await expect.poll(() => many.names("sessions").length, { timeout: 10_000 }).toBe(201);
  expect(many.oldest()).toEqual([false, false, false, true]);
  expect(few.names("sessions").length).toBe(151);
});

test("findLeftovers() stops no start because of what it cannot look at, and clear() says it", () => {
  const { state, sweep, notices } = place();
  mkdirSync(path.join(state, "running/no-marker.c1"));
  sweep();
  expect(notices).toEqual([expect.stringContaining("EISDIR")]);
});

test("clear() finds nothing to do in a state that is not there", () => {
  const { sweep, notices, state } = place();
  findLeftovers(path.join(state, "none"), machine).clear((notice) => notices.push(notice));
  sweep();
  expect(notices).toEqual([]);
});
