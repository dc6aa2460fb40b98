import { appendFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../test/helpers/temp-folder.ts";
import type { MessageParam } from "../model/messages.ts";
import { findSession, openTranscript } from "./transcript.ts";

const said = (content: string): MessageParam => ({ role: "user", content });

test("a conversation that two go on with becomes two, each of them whole", () => {
  const folder = tempFolder();
  const told: string[] = [];
  const open = (from?: string) =>
    openTranscript({
      ...{ folder, session: "one", onTrouble: (text) => void told.push(text) },
      ...(from === undefined ? {} : { from }),
    });
  open().add(said("first"));
  const [left, right] = [open("one"), open("one")];
  for (const turn of ["a", "b"]) {
    left.add(said(`left ${turn}`));
    right.add(said(`right ${turn}`));
  }
  const kept = readdirSync(folder).map((name) => {
    const session = name.replace(".jsonl", "");
    return openTranscript({ folder, session, from: session, onTrouble: () => {} }).messages;
  });
  const whole = (side: string) => ["first", `${side} a`, `${side} b`].map(said);
  expect(kept).toHaveLength(2);
  expect(kept).toEqual(expect.arrayContaining([whole("left"), whole("right")]));
  expect(told).toEqual([expect.stringContaining("is gone on with elsewhere too")]);
  expect(findSession(folder, "one")).toBe("one");
});

test("a conversation that one alone goes on with stays in its file", () => {
  const folder = tempFolder();
  const how = { folder, session: "one", onTrouble: expect.unreachable };
  openTranscript(how).add(said("é"));
  const again = openTranscript({ ...how, from: "one" });
  again.add(said("b"));
  again.restart([said("c")]);
  again.add(said("d"));
  expect(openTranscript({ ...how, from: "one" }).messages).toEqual([said("c"), said("d")]);
  expect(readdirSync(folder)).toEqual(["one.jsonl"]);
});

test("a line that a crash has cut is lost by itself, and not with the one after it", () => {
  const folder = tempFolder();
  const how = { folder, session: "one", onTrouble: expect.unreachable };
  openTranscript(how).add(said("a"));
  appendFileSync(path.join(folder, "one.jsonl"), '{"message":{"role":"user","con');
  const again = openTranscript({ ...how, from: "one" });
  again.add(said("b"));
  again.add(said("c"));
  expect(openTranscript({ ...how, from: "one" }).messages).toEqual(["a", "b", "c"].map(said));
});
