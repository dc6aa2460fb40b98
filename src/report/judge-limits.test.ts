import { describe, expect, test } from "vitest";
import { sampleDisk, sampleMemory, sampleObservations } from "../../test/fixtures/sample-observations.ts";
import { judgeRows, summarizeRows } from "./judge.ts";
import type { Exhaustion, Observations, UsedUp } from "./observations.ts";

const ids = ["hw.ram", "hw.swap", "hw.session-disk", "disk.sessions"];
const found = sampleObservations;

function verdicts(observations: Observations): Record<string, readonly [string, string]> {
  const rows = judgeRows(observations).filter(({ id }) => ids.includes(id));
  return Object.fromEntries(rows.map(({ id, status, observed }) => [id, [status, observed]]));
}
const statusesOf = (observations: Observations) =>
  Object.values(verdicts(observations)).map(([status]) => status);

const memory = (change: Partial<UsedUp>): Observations => ({
  ...found,
  memory: { seen: { ...sampleMemory, ...change } },
});
const disk = (change: Partial<UsedUp>): Observations => ({
  ...found,
  disk: { seen: { ...sampleDisk, ...change } },
});
const whole = (of: UsedUp, change: Partial<Exhaustion>) => {
  if (!("seen" in of.whole)) throw new Error("the sample was not tried");
  return { whole: { seen: { ...of.whole.seen, ...change } } };
};
const small = (of: UsedUp, change: Partial<Exhaustion>) => ({ small: { ...of.small, ...change } });

test("a cell that can use what the reference's can, and no more", () => {
  expect(verdicts(found)).toEqual({
    "hw.ram": [
      "match",
      "2.73 GiB filled, then out-of-memory at 2.80 GiB, held by a control group; with a limit of 192 MiB: 140 MiB filled, then out-of-memory at 192 MiB",
    ],
    "hw.swap": [
      "match",
      "nothing of the cell's memory was in swap when it was used up; the host has no swap",
    ],
    "hw.session-disk": [
      "match",
      "9.70 GB filled, then ENOSPC, disk-full at 10.00 GB, held by a disk of its own; with a quota of 32 MiB: 27 MiB filled, then ENOSPC, disk-full at 32 MiB",
    ],
    "disk.sessions": [
      "match",
      "/sessions/brave-loving-maxwell, ext4 of 10.00 GB: 9.70 GB filled, then ENOSPC, disk-full at 10.00 GB, held by a disk of its own; " +
        "with a quota of 32 MiB: 27 MiB filled, then ENOSPC, disk-full at 32 MiB",
    ],
  });
  expect(summarizeRows(judgeRows(found))).toBe(
    "31 match · 0 differ · 5 host · 2 not applicable · 2 not built",
  );
});

test("what could not be tried is unknown with the reason", () => {
  const blind = { ...found, memory: { unseen: "no cell" }, disk: { unseen: "no cell" } };
  expect(new Set(Object.values(verdicts(blind)).map(String))).toEqual(
    new Set(["unknown,could not be observed: no cell"]),
  );
});

const other = 4 * 2 ** 30;
const enough: Exhaustion = {
  reachedBytes: 2.94 * 2 ** 30,
  swappedBytes: 0,
  error: "",
  attempts: 1,
  held: "cgroup",
  ended: "exited",
};
const hadEnough = { whole: { seen: enough } };
/** Somebody watches, and names the limit at the end. */
const watchedUpTo = (of: UsedUp, limitBytes: number, name: "memory" | "disk") => ({
  ...small(of, { held: "watched" }),
  ...whole(of, {
    held: "watched",
    error: "",
    limit: { name, limitBytes, usedBytes: limitBytes, flag: `--${name}` },
  }),
});

describe("memory that is not as the reference's", () => {
  test.each([
    ["a larger limit", { saidBytes: other, ...hadEnough }],
    ["a smaller limit", whole(sampleMemory, { reachedBytes: 2.5 * 2 ** 30 })],
    ["more before the end", whole(sampleMemory, { reachedBytes: 2.85 * 2 ** 30 })],
    ["an end of another kind", whole(sampleMemory, { ended: "signalled" })],
    ["a small limit that holds nothing", small(sampleMemory, { ended: "exited" })],
    ["a watched limit that is larger", watchedUpTo(sampleMemory, 2.9 * 2 ** 30, "memory")],
  ])("%s", (_, change) => {
    expect(verdicts(memory(change))["hw.ram"]?.[0]).toBe("differs");
  });

  test("says what the profile gives instead", () => {
    expect(verdicts(memory({ saidBytes: other, ...hadEnough }))["hw.ram"]).toEqual([
      "differs",
      "2.94 GiB filled, then exited, held by a control group; the profile gives 4.00 GiB; with a limit of 192 MiB: 140 MiB filled, then " +
        "out-of-memory at 192 MiB; but 2.80 GiB did not end it; more than 2.80 GiB can be used",
    ]);
  });

  test("who watches is a moment late, which is no difference", () => {
    const held = "watched";
    const change = {
      ...small(sampleMemory, { held }),
      ...whole(sampleMemory, { reachedBytes: 2.9 * 2 ** 30, held }),
    };
    expect(verdicts(memory(change))["hw.ram"]).toEqual([
      "match",
      "2.90 GiB filled, then out-of-memory at 2.80 GiB, held by watching; with a limit of 192 MiB: 140 MiB filled, then out-of-memory at 192 MiB",
    ]);
  });

  test("a host without room for it leaves it unknown, and says what was tried", () => {
    const change = { whole: { unseen: "the host has only 1.0 GiB of memory to spare" } };
    expect(verdicts(memory(change))["hw.ram"]).toEqual([
      "unknown",
      "could not be tried: the host has only 1.0 GiB of memory to spare; with a limit of 192 MiB: 140 MiB filled, then " +
        "out-of-memory at 192 MiB",
    ]);
  });
});

test.each([
  [
    "memory in swap",
    whole(sampleMemory, { swappedBytes: 2 ** 20 }),
    "1 MiB of the cell's memory was in swap",
  ],
  ["memory that never ends", small(sampleMemory, { ended: "exited" }), "its memory could not be used up"],
])("swap: %s differs", (_, change, said) => {
  const [status, observed] = verdicts(memory(change))["hw.swap"] ?? [];
  expect(status).toBe("differs");
  expect(observed).toContain(said);
});

describe("a disk that is not as the reference's turns both rows", () => {
  test.each([
    ["a small quota that holds nothing", small(sampleDisk, { error: "", ended: "exited" })],
    ["a refusal for another reason", small(sampleDisk, { error: "EDQUOT" })],
    ["more than the small quota", small(sampleDisk, { reachedBytes: 40 * 2 ** 20 })],
    ["no end at 10 GB", whole(sampleDisk, { reachedBytes: 10.5e9, error: "", ended: "exited" })],
    ["a smaller disk", whole(sampleDisk, { reachedBytes: 9e9 })],
    ["a larger disk", whole(sampleDisk, { reachedBytes: 10.3e9 })],
    ["a watched quota that is larger", watchedUpTo(sampleDisk, 10.3e9, "disk")],
    ["another quota that is not tried", { saidBytes: 5e9, whole: { unseen: "no room" } }],
  ])("%s", (_, change) => {
    expect(statusesOf(disk(change))).toEqual(["match", "match", "differs", "differs"]);
  });

  test("a watched one ends with its cell, and the quota itself is only said where it cannot be tried", () => {
    const watched: Partial<UsedUp> = {
      ...small(sampleDisk, { held: "watched", error: "", reachedBytes: 64 * 2 ** 20, attempts: 2 }),
      whole: { unseen: "the host has only 2.0 GiB of disk to spare" },
    };
    expect(verdicts(disk(watched))["hw.session-disk"]).toEqual([
      "match",
      "10.00 GB, not filled itself: the host has only 2.0 GiB of disk to spare, held by watching; with a quota of 32 MiB: " +
        "64 MiB filled, then disk-full at 32 MiB in attempt 2",
    ]);
  });

  test("a home elsewhere is no sessions partition", () => {
    if (!("seen" in found.inside)) throw new Error("the sample was not seen");
    const user = { ...found.inside.seen.user, home: "/home/somebody" };
    const moved = { ...found, inside: { seen: { ...found.inside.seen, user } } };
    expect(statusesOf(moved)).toEqual(["match", "match", "match", "differs"]);
  });
});
