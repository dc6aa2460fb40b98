import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import type { Layer } from "./layer.ts";
import { mergeLayers } from "./merge.ts";

const from = <T>(origin: string, value: T) => ({ value, origin });
const uidRange = { value: { first: 1_900_000_000, last: 1_900_065_535 }, origin: "default" };

test("mergeLayers() of nothing is the profile standard, which allows nothing", () => {
  expect(mergeLayers([], "/work")).toEqual({
    profile: from("default", "standard"),
    tunnel: from("profile standard", "direct"),
    tier: from("profile standard", "process"),
    allowHosts: [],
    denyHosts: [],
    presets: [],
    mounts: [],
    environment: [],
    uidRange,
  });
});

test("mergeLayers() starts the profile cowork with its presets, and no host or folder", () => {
  expect(mergeLayers([{ profile: from("flag --profile", "cowork") }], "/work")).toEqual({
    profile: from("flag --profile", "cowork"),
    tunnel: from("profile cowork", "socat"),
    tier: from("profile cowork", "process"),
    allowHosts: [],
    denyHosts: [],
    presets: ["npm", "pip", "apt", "git"].map((name) => from("profile cowork", name)),
    mounts: [],
    environment: [],
    uidRange,
  });
});

test("mergeLayers() takes the strongest of single values, and adds lists up in order", () => {
  const weak: Layer = {
    profile: from("file", "cowork"),
    tunnel: from("file", "direct"),
    workdir: from("file", "/a"),
    timeoutMs: from("file", 1),
    session: from("file", "a"),
    memoryBytes: from("file", 2 ** 30),
    pids: from("file", 100),
    waive: [from("file", "disk"), from("file", "swap")],
    uidRange: from("file", { first: 1000, last: 2000 }),
    allowHosts: [from("file", "a.example")],
    denyHosts: [from("file", "b.example")],
    presets: [from("file", "npm")],
    mounts: [from("file", { source: "/a", mode: "ro" })],
    environment: [from("file", { name: "A", value: "1" }), from("file", { name: "B", value: "1" })],
  };
  const strong: Layer = {
    profile: from("flag", "standard"),
    tunnel: from("flag", "socat"),
    tier: from("flag", "process"),
    timeoutMs: from("flag", 2),
    memoryBytes: from("flag", 2 ** 29),
    waive: [from("flag", "disk")],
    allowHosts: [from("flag", "c.example")],
    denyHosts: [from("flag", "d.example")],
    presets: [from("flag", "git"), from("flag", "npm")],
    mounts: [from("flag", { source: "b", mode: "rw" })],
    environment: [from("flag", { name: "A" })],
  };
  expect(mergeLayers([weak, strong], "/work")).toEqual({
    profile: from("flag", "standard"),
    tunnel: from("flag", "socat"),
    tier: from("flag", "process"),
    workdir: from("file", "/a"),
    timeoutMs: from("flag", 2),
    memoryBytes: from("flag", 2 ** 29),
    pids: from("file", 100),
    waive: [from("flag", "disk"), from("file", "swap")],
    session: from("file", "a"),
    uidRange: from("file", { first: 1000, last: 2000 }),
    allowHosts: [from("file", "a.example"), from("flag", "c.example")],
    denyHosts: [from("file", "b.example"), from("flag", "d.example")],
    presets: [from("flag", "npm"), from("flag", "git")],
    mounts: [from("file", { source: "/a", mode: "ro" }), from("flag", { source: "b", mode: "rw" })],
    environment: [from("flag", { name: "A" }), from("file", { name: "B", value: "1" })],
  });
});

test("mergeLayers() refuses the tunnel and the tier that do not fit, only where they would hold", async () => {
  expect(
    await failureOf(() =>
      mergeLayers(
        [{ profile: from("flag --profile", "cowork") }, { tunnel: from("flag --tunnel", "direct") }],
        "/",
      ),
    ),
  ).toEqual({
    code: "WC_SETTINGS",
    message:
      'Cannot use the tunnel "direct" (flag --tunnel): the profile cowork is the reference, whose tunnel is socat',
    remedy: "Leave --tunnel out, or use --profile standard",
  });
  expect(await failureOf(() => mergeLayers([{ tier: from("flag --tier", "vm") }], "/"))).toEqual({
    code: "WC_SETTINGS",
    message: 'Cannot use the tier "vm" (flag --tier): not built yet',
    remedy: "Use --tier process, or leave it out",
  });
});

const cowork = from("flag --profile", "cowork" as const);

const mount = (origin: string, source: string, name?: string) =>
  from(origin, { source, ...(name !== undefined && { name }), mode: "ro" as const });

test.each([
  [
    [mount("one", "/a/src"), mount("two", "b/src")],
    'Cannot connect "/a/src" (one) and "b/src" (two): both are called "src"',
    "Give one of them a name of its own, like b/src:other:ro",
  ],
  [
    [mount("one", "/a", "x"), mount("two", "/b", "x")],
    'Cannot connect "/a" (one) and "/b" (two): both are called "x"',
    "Give one of them a name of its own, like /b:other:ro",
  ],
  [
    [mount("one", "."), mount("two", "/work/")],
    'Cannot connect "." (one) and "/work/" (two): both are the same folder',
    "Connect the folder once, in one mode",
  ],
])("mergeLayers() refuses folders that hide each other", async ([one, two], message, remedy) => {
  const layers = [{ profile: cowork, mounts: one ? [one] : [] }, { mounts: two ? [two] : [] }];
  expect(await failureOf(() => mergeLayers(layers, "/work"))).toEqual({ code: "WC_MOUNT", message, remedy });
});

test("mergeLayers() takes two folders of one name when one is given another, or the name has no effect", () => {
  const mounts = [mount("one", "/a/src"), mount("two", "/b/src", "other")];
  expect(mergeLayers([{ profile: cowork, mounts }], "/").mounts).toEqual(mounts);
  const plain = [mount("one", "/a/src"), mount("two", "/b/src")];
  expect(mergeLayers([{ mounts: plain }], "/").mounts).toEqual(plain);
});

test("mergeLayers() refuses a name outside cowork, which may be a mistyped mode", async () => {
  expect(await failureOf(() => mergeLayers([{ mounts: [mount("one", "/a", "wr")] }], "/"))).toEqual({
    code: "WC_SETTINGS",
    message:
      'Cannot use the mount "/a:wr" (one): "wr" is no mode (ro, review, auto or rw), and a name has no effect outside the profile cowork',
    remedy: "Leave the name out, or use --profile cowork",
  });
});

test("mergeLayers() refuses a folder whose own name cannot be shown", async () => {
  expect(await failureOf(() => mergeLayers([{ mounts: [mount("one", ".")] }], "/a/\u0007"))).toEqual({
    code: "WC_SETTINGS",
    message: 'Cannot use the mount "." (one): the name contains a control character',
    remedy: "Rename the folder: mv -- OLD NEW",
  });
});

test("mergeLayers() lets a folder that nobody named give way to the same one that somebody did", () => {
  const implied = from("one", { source: "/work", mode: "ro" as const, implied: true as const });
  const named = from("flag --mount", { source: ".", mode: "rw" as const });
  expect(mergeLayers([{ mounts: [implied] }, { mounts: [named] }], "/work").mounts).toEqual([named]);
  expect(mergeLayers([{ mounts: [implied] }], "/work").mounts).toEqual([implied]);
});

test("mergeLayers() adds path rules up", () => {
  const rule = (path: string) => from("one", { effect: "hide" as const, path });
  const { pathRules } = mergeLayers([{ pathRules: [rule("/a")] }, { pathRules: [rule("/b")] }], "/");
  expect(pathRules).toEqual([rule("/a"), rule("/b")]);
});
