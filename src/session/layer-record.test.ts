import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { countChanges } from "./count-changes.ts";
import { countWaiting } from "./find-sessions.ts";
import {
  hasPending,
  isEmptyLayer,
  type LayerRecord,
  pendingLayers,
  removeEmptyLayers,
  sessionLayers,
} from "./layer-record.ts";
import { putMarker } from "./marker.ts";

function makeSession(): { state: string; session: string } {
  const state = mkdtempSync(path.join(tmpdir(), "workcell-layers-"));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const session = path.join(state, "sessions/able-apt-bohr");
  mkdirSync(session, { recursive: true });
  return { state, session };
}

function makeLayer(session: string, number: number, changes: Partial<LayerRecord> = {}): string {
  const layer = path.join(session, "layers", `${number}`);
  mkdirSync(path.join(layer, "upper"), { recursive: true });
  mkdirSync(path.join(layer, "work/work"), { recursive: true });
  chmodSync(path.join(layer, "upper"), 0o755);
  chmodSync(path.join(layer, "work/work"), 0o000);
  const record: LayerRecord = {
    ...{ schema: "workcell.layer/1", folder: "/srv/job", device: "1", inode: "18446744073709551615" },
    ...{ uid: 0, gid: 0, permissions: 0o755, name: "job", mode: "review", baseTimeNs: "1700000000000000001" },
    ...{ cells: ["c0ffee"], ...changes },
  };
  writeFileSync(path.join(layer, "layer.json"), JSON.stringify(record));
  return layer;
}

test("sessionLayers() lists all by number, pendingLayers() those with something in them", () => {
  const { session } = makeSession();
  expect([sessionLayers(session), pendingLayers(session), hasPending(session)]).toEqual([[], [], false]);
  for (const number of [10, 2]) makeLayer(session, number, { name: `job-${number}` });
  writeFileSync(path.join(session, "layers/10/upper/file"), "");
  expect(sessionLayers(session).map(({ name }) => name)).toEqual(["job-2", "job-10"]);
  const layerFolder = path.join(session, "layers/10");
  expect(pendingLayers(session)).toEqual([
    {
      ...{ folder: "/srv/job", device: "1", inode: "18446744073709551615", name: "job-10", mode: "review" },
      ...{ layerFolder, upper: `${layerFolder}/upper`, baseTimeNs: 1700000000000000001n, live: false },
    },
  ]);
});

test("a layer is live while the Workcell of one of its cells is", () => {
  const { state, session } = makeSession();
  makeLayer(session, 1, { cells: ["dead", "c0ffee"] });
  const take = putMarker(state, { name: "able-apt-bohr", cell: "c0ffee" }, "durable");
  expect(sessionLayers(session).map(({ live }) => live)).toEqual([true]);
  take();
  expect(sessionLayers(session).map(({ live }) => live)).toEqual([false]);
});

test("isEmptyLayer(): other permissions of the folder itself are no change, for they are never carried over", () => {
  const { session } = makeSession();
  const layer = makeLayer(session, 1);
  expect(isEmptyLayer(layer)).toBe(true);
  chmodSync(path.join(layer, "upper"), 0o700);
  expect(isEmptyLayer(layer)).toBe(true);
});

test("removeEmptyLayers() takes all away, and nothing while something waits or cannot be read", () => {
  const { session } = makeSession();
  const [layer] = [makeLayer(session, 1), makeLayer(session, 2)];
  writeFileSync(path.join(layer, "upper/file"), "");
  removeEmptyLayers(session);
  expect(existsSync(path.join(session, "layers/2"))).toBe(true);
  rmSync(path.join(layer, "upper/file"));
  writeFileSync(path.join(layer, "layer.json"), "{");
  removeEmptyLayers(session);
  expect(existsSync(layer)).toBe(true);
  rmSync(layer, { recursive: true });
  removeEmptyLayers(session);
  expect(existsSync(path.join(session, "layers"))).toBe(false);
});

test.each(["", "{", "[]", "null", '{"schema":"workcell.layer/1"}'])(
  "a damaged record is said, and never taken for an empty layer: %s",
  async (text) => {
    const { session } = makeSession();
    const layer = makeLayer(session, 1);
    writeFileSync(path.join(layer, "layer.json"), text);
    const { code, message } = await failureOf(() => sessionLayers(session));
    expect([code, message.includes(`${layer}/layer.json`)]).toEqual(["WC_SESSION", true]);
    expect(hasPending(session)).toBe(true);
  },
);

test("countWaiting() counts each path, new folders included, in all layers", () => {
  const { session } = makeSession();
  const known = { name: "able-apt-bohr", folder: session, usedAtMs: 0, live: false, open: false };
  const [one, two] = [makeLayer(session, 1), makeLayer(session, 2)];
  expect(countWaiting(known)).toBe(0);
  writeFileSync(path.join(one, "upper/a"), "");
  expect(countWaiting(known)).toBe(1);
  mkdirSync(path.join(two, "upper/deep/er"), { recursive: true });
  for (const name of ["b", "c"]) writeFileSync(path.join(two, "upper/deep/er", name), "");
  expect(countWaiting(known)).toBe(5);
  expect([countChanges(two), countChanges(two, undefined, 1)]).toEqual([4, 1]);
});
