import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { checkUidMap, checkUidRange, claimUid, ownerOfUid, releaseUid } from "./claim-uid.ts";

const range = (first: number, last: number) => ({ value: { first, last }, origin: "flag --uid-range" });
const uidFiles = (state: string) => readdirSync(path.join(state, "uids")).sort();

test("claimUid() gives every uid of the range once, and then says that all are taken", async () => {
  const state = tempFolder();
  const given = ["a", "b", "c"].map((name) => claimUid(state, range(7, 9), name));
  expect([...given].sort()).toEqual([7, 8, 9]);
  expect(uidFiles(state)).toEqual(["7", "8", "9"]);
  expect(readFileSync(path.join(state, "uids", `${given[1]}`), "utf8")).toBe("b\n");
  expect(await failureOf(() => claimUid(state, range(7, 9), "d"))).toEqual({
    code: "WC_SESSION",
    message: 'Cannot give session "d" a user: every uid of 7-9 (flag --uid-range) is taken',
    remedy: "Name a larger range: --uid-range FIRST-LAST",
  });
});

test("claimUid() gives again what was given back, and only that", () => {
  const state = tempFolder();
  const [one] = [claimUid(state, range(7, 8), "a"), claimUid(state, range(7, 8), "b")];
  releaseUid(state, one, "a");
  expect(claimUid(state, range(7, 8), "c")).toBe(one);
});

test("releaseUid() leaves a uid that is another session's by now", () => {
  const state = tempFolder();
  const uid = claimUid(state, range(7, 7), "new");
  releaseUid(state, uid, "old");
  expect(ownerOfUid(state, uid)).toBe("new");
  releaseUid(state, uid, "new");
  expect(ownerOfUid(state, uid)).toBe(undefined);
  releaseUid(state, uid, "new");
});

test("claimUid() takes a claim whose record is empty for one", async () => {
  const state = tempFolder();
  mkdirSync(path.join(state, "uids"));
  writeFileSync(path.join(state, "uids/7"), "");
  expect((await failureOf(() => claimUid(state, range(7, 7), "a"))).code).toBe("WC_SESSION");
});

const subuids = [
  { owner: "ann", first: 100_000, count: 65_536 },
  { owner: "bob", first: 300_000, count: 10 },
];

test.each([
  [165_536, 299_999],
  [1, 99_999],
  [300_010, 400_000],
])("checkUidRange() takes %i-%i, which is nobody's", (first, last) => {
  expect(checkUidRange(range(first, last), subuids)).toBe(undefined);
});

test.each([
  [1, 100_000, "ann"],
  [165_535, 200_000, "ann"],
  [120_000, 120_001, "ann"],
  [200_000, 400_000, "bob"],
  [300_009, 300_009, "bob"],
])("checkUidRange() refuses %i-%i, which meets what /etc/subuid gives to %s", async (first, last, owner) => {
  const taken = owner === "ann" ? "100000-165535" : "300000-300009";
  expect(await failureOf(() => checkUidRange(range(first, last), subuids))).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the uid range "${first}-${last}" (flag --uid-range): /etc/subuid gives ${taken} to ${owner}`,
    remedy: "Name a range that nobody has: --uid-range FIRST-LAST",
  });
});

test("checkUidMap() takes what the user namespace has, and refuses the rest with what it has", async () => {
  const map = [
    { first: 0, count: 1 },
    { first: 1000, count: 5000 },
  ];
  expect(checkUidMap(range(2000, 5999), map)).toBe(undefined);
  expect(checkUidMap(range(2000, 5999), undefined)).toBe(undefined);
  expect(await failureOf(() => checkUidMap(range(2000, 6000), map))).toMatchObject({
    code: "WC_SETTINGS",
    message: expect.stringContaining(
      "this user namespace, as of a rootless container, has the uids 0-0, 1000-5999",
    ),
    remedy: expect.stringContaining("--uid-range FIRST-LAST"),
  });
});
