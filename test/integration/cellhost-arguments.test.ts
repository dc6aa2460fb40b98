import { writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  cellId,
  compileSanitized,
  type Ended,
  failureLine,
  makePlace,
  type Place,
  runToEnd,
  sanitizing,
} from "../helpers/cellhost.ts";

/** Root's own arguments would be carried out; a stranger's end at the latest where root is asked for. */
const asStranger = process.getuid?.() === 0 ? { uid: cellId, gid: cellId } : {};

const valid = [
  [
    ...["enter", "--as-root", "--folder", "e", "--mount", "dev", "/proc", "proc", "--terminals", "e/pts"],
    ...["--uid", "7", "--gid", "7", "--scratch", "/tmp", "--", "/bin/true"],
  ],
  [
    ...["enter", "--mount", "system", "/usr", "e/usr", "--link", "usr/bin", "e/bin"],
    ...["--uid", "7", "--gid", "7", "--scratch", "/tmp", "--", "/bin/true"],
  ],
  [
    "enter",
    "--uid",
    "7",
    "--gid",
    "7",
    "--scratch",
    "/tmp",
    "--parent",
    "9",
    "--keep-fd",
    "5",
    "--",
    "/bin/true",
  ],
  [
    "enter",
    "--idmap",
    "rw",
    "/usr",
    "m0",
    "0",
    "0",
    "--uid",
    "7",
    "--gid",
    "7",
    "--scratch",
    "/tmp",
    "--",
    "/bin/true",
  ],
  [
    "enter",
    "--mount",
    "ro",
    "/usr",
    "m0",
    "--uid",
    "7",
    "--gid",
    "7",
    "--scratch",
    "/tmp",
    "--",
    "/bin/true",
  ],
  [
    "supervise",
    "--parent",
    "9",
    "--cgroup",
    "/tmp/x",
    "--terminal",
    "--exec-socket",
    "/tmp/y",
    "--",
    "/bin/true",
  ],
  [
    ...["supervise", "--scratch", "/tmp", "--layers", "/tmp/nowhere"],
    ...["--layer", "merged-1", "/usr", "2049", "18446744073709551615", "/tmp/nowhere/1", "0", "0"],
    ...["--", "/bin/true"],
  ],
  ["exec", "/tmp/nowhere", "--", "/bin/true", "argument"],
  ["lock", "0", "5"],
  ["probe-idmap", "/usr"],
  ["probe-landlock"],
  ["probe-seccomp"],
];

const numbers = [
  "0",
  "-1",
  "+7",
  " 7",
  "7x",
  "0x7",
  "2147483647",
  "4294967295",
  "4294967296",
  "9".repeat(40),
];
const texts = [
  "",
  "/",
  ".",
  "..",
  "a/b",
  "ro",
  "rw",
  "--",
  "-",
  "--uid",
  "--mount",
  "--idmap",
  "--keep-fd",
  '"\n\\\x1b',
];
const word = fc.oneof(
  fc.constantFrom(...numbers, ...texts, "a".repeat(300), `/${"é".repeat(5000)}`, "\n".repeat(2000)),
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replaceAll("\0", "")),
);
const mutation = fc.record({
  at: fc.nat(20),
  kind: fc.constantFrom("replace", "insert", "remove", "repeat"),
  word,
  times: fc.constantFrom(1, 2, 63, 64, 65, 257),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutate(words: readonly string[], { at, kind, word, times }: Mutation): string[] {
  const place = at % (words.length + 1);
  const rest = words.slice(place);
  if (kind === "replace") return [...words.slice(0, place), word, ...rest.slice(1)];
  if (kind === "insert") return [...words.slice(0, place), word, ...rest];
  if (kind === "remove") return [...words.slice(0, place), ...rest.slice(1)];
  const group = rest.slice(0, (at % 7) + 1);
  return [...words.slice(0, place), ...Array.from({ length: times }, () => group).flat(), ...rest];
}

describe("cellhost, built with sanitizers", () => {
  let place: Place;
  let cellhost = "";

  beforeAll(() => {
    place = makePlace();
    cellhost = path.join(place.path, "cellhost");
    compileSanitized(cellhost, "cellhost");
  });
  afterAll(() => place[Symbol.dispose]());

  const run = (words: readonly string[]): Ended =>
    runToEnd([cellhost, ...words], { ...asStranger, cwd: "/", timeout: 10_000 });

  test("a fault would be seen (control)", () => {
    const [faulty, text] = [path.join(place.path, "faulty"), path.join(place.path, "faulty.c")];
    writeFileSync(text, "int main(int n, char **w) { char a[4] = {0}; return a[n + 3] + (w == 0); }\n");
    expect(runToEnd([...sanitizing, "-o", faulty, text]).status).toBe(0);
    const done = runToEnd([faulty], asStranger);
    expect(done.status).not.toBe(0);
    expect(done.stderr).toMatch(/AddressSanitizer|runtime error/);
  });

  test.each(valid.slice(0, 3))("arguments that are right end where root is asked for: %s %s", (...words) => {
    expect(run(words)).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^cellhost: enter as root/),
    });
  });

  test("any arguments end with success or one line and a code of the list", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...valid),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (words, mutations) => {
          const mutated = mutations.reduce(mutate, words);
          // More than that the kernel itself refuses to start.
          fc.pre(mutated.join(" ").length < 60_000);
          const done = run(mutated);
          expect(done.signal).toBeNull();
          expect([0, 75, 121, 122, 123, 125]).toContain(done.status);
          expect(done.stderr).toMatch(done.status === 0 ? /^$/ : failureLine);
        },
      ),
      { numRuns: 300, interruptAfterTimeLimit: 40_000 },
    );
  });

  test.each([
    ["mounts", 256, (index: number) => ["--mount", "ro", "/usr", `m${index}`]],
    [
      "layers",
      32,
      (index: number) => ["--layer", `m${index}`, "/usr", "1", "2", "/tmp/nowhere/1", "0", "0"],
      "supervise",
    ],
    ["links", 64, (index: number) => ["--link", "usr/bin", `e/l${index}`]],
    ["folders", 8, (index: number) => ["--folder", `e${index}`]],
    ["descriptors", 64, (index: number) => ["--keep-fd", `${900 - index}`]],
  ])("more %s than %i are refused, none is written past the end", (what, most, words, verb = "enter") => {
    const many = (count: number) => run([verb, ...Array.from({ length: count }, (_, i) => words(i)).flat()]);
    expect(many(most).stderr).toContain(`missing value after argument "${verb}"`);
    expect(many(most + 1)).toMatchObject({
      status: 125,
      stderr: expect.stringContaining(`too many ${what}`),
    });
  });

  test.each(["../m0", "..", ".", "", "/m0", "m0/", "a//b", "a/./b", "a/../b", `a/${"b".repeat(256)}`])(
    "%j is no place below the scratch folder",
    (place) => {
      const done = run(["enter", "--mount", "ro", "/usr", place]);
      expect(done).toMatchObject({ status: 125, stderr: expect.stringMatching(failureLine) });
      expect(done.stderr).toContain("cellhost: not a place below the scratch folder");
    },
  );

  test.each([
    [[], "missing sub-command"],
    [["nothing"], "unknown sub-command"],
    [["enter", "--uid", "0"], "not a usable identity"],
    [["enter", "--uid", "4294967295"], "not a usable identity"],
    [["enter", "--mount", "rx", "/usr", "m0"], "not a mount mode"],
    [["enter", "--mount", "ro", "usr", "m0"], "not an absolute path"],
    [["enter", "--link", "usr/bin", "a/.."], "not a place below the scratch folder"],
    [["enter", "--link", "usr/bin"], "missing value"],
    [["enter", "--folder", "/e"], "not a place below the scratch folder"],
    [["enter", "--terminals", "e/.."], "not a place below the scratch folder"],
    [["supervise", "--layer", "a/b"], "not a name of one component"],
    [["supervise", "--layer", ".."], "not a name of one component"],
    [["enter", "--idmap", "ro", "/usr", "m0", "0"], "missing value"],
    [["enter", "--uid", "7", "--gid", "7", "--scratch", "/tmp", "--", "true"], "not an absolute path"],
    [["enter", "--", "/bin/true"], "missing argument"],
  ])("%j: %s", (words, said) => {
    const done = run(words);
    expect(done.status).toBe(125);
    expect(done.stderr).toMatch(failureLine);
    expect(done.stderr).toContain(`cellhost: ${said}`);
  });
});
