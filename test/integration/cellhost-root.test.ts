import { lstatSync, mkdirSync, readlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as helper from "../helpers/cellhost.ts";

const { cellId, runToEnd } = helper;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("cellhost's own root: skipped, only root can mount; run the tests as root");

test.runIf(process.env["CI"])("in CI nothing of this is skipped", () => {
  expect(isRoot).toBe(true);
});

/** What a shell and its libraries need, as it lies on this host. */
const programs = ["usr", "bin", "lib", "lib64"].flatMap((name) => {
  const found = lstatSync(`/${name}`, { throwIfNoEntry: false });
  if (found === undefined) return [];
  return found.isSymbolicLink()
    ? ["--link", readlinkSync(`/${name}`), name]
    : ["--mount", "system", `/${name}`, name];
});

describe.runIf(isRoot)("cellhost enter", () => {
  let place: helper.Place;
  let cellhost = "";

  beforeAll(() => {
    place = helper.makePlace();
    cellhost = helper.buildCellhost(place.path);
    mkdirSync(path.join(place.path, "scratch"));
  });
  afterAll(() => place[Symbol.dispose]());

  const scratch = () => path.join(place.path, "scratch");
  const words = (script: string, ...more: readonly string[]) => [
    ...[cellhost, "enter", "--uid", `${cellId}`, "--gid", `${cellId}`, "--scratch", scratch()],
    ...[...more, ...programs, "--mount", "dev", "/proc", "proc"],
    ...["--", "/bin/sh", "-c", script, "sh", place.path],
  ];
  const inside = (script: string, ...more: readonly string[]) => runToEnd(words(script, ...more));

  test("as the root, the scratch folder is all that is mounted; else the host's is seen beside it", () => {
    const script = `ls -d "$1" /etc /var /dev /sys 2>/dev/null; wc -l < /proc/self/mountinfo`;
    const linesOf = ({ stdout }: helper.Ended) => stdout.trimEnd().split("\n");
    const control = linesOf(inside(script));
    expect(control).toHaveLength(6);
    const [mounted, ...others] = linesOf(inside(script, "--as-root"));
    expect(others).toEqual([]);
    expect(Number(mounted)).toBeLessThan(Number(control.at(-1)));
  });

  test("devices work where they are asked for, and programs of another's right never do", () => {
    const script = `cd "$2"; head -c 2 zero | wc -c; grep "$2/zero " /proc/self/mountinfo | cut -d' ' -f6`;
    const read = (mode: string) =>
      inside(script.replaceAll("$2", path.join(scratch(), "d")), ...["--mount", mode, "/dev/zero", "d/zero"]);
    const done = read("dev");
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(done.stdout).toMatch(/^2\n.*nosuid/);
    expect(done.stdout).not.toContain("nodev");
    expect(read("system").stderr).toContain("Permission denied");
  });

  test("terminals are the cell's own", () => {
    const script = 'ls /t; python3 -c \'import os; os.open("/t/ptmx", os.O_RDWR); print(os.listdir("/t"))\'';
    const done = inside(script, "--as-root", "--terminals", "t");
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(done.stdout.split("\n")[0]).toBe("ptmx");
    expect(done.stdout).toContain("'0'");
  });

  test("a folder is the dropped uid's, with those in it that lead to a place; others are nobody's to write in", () => {
    const script = `cd "$1/scratch"; stat -c %u r r/a r/a/b o; touch r/new r/a/new; touch o/new; touch new`;
    const at = (name: string) => ["--mount", "ro", place.path, name];
    const done = inside(script, "--folder", "r", ...at("r/a/b/m"), ...at("o/m"));
    expect(done.stdout).toBe(`${cellId}\n${cellId}\n${cellId}\n0\n`);
    expect(done.stderr.match(/cannot touch '(.*)'/g)).toEqual(["cannot touch 'o/new'", "cannot touch 'new'"]);
  });

  test.each([
    ["a folder at a mount's place", ["--folder", "m", "--mount", "ro", "/usr", "m"]],
    ["terminals at a mount's place", ["--mount", "ro", "/usr", "m", "--terminals", "m"]],
    ["terminals in a mount", ["--mount", "rw", "/usr", "m", "--terminals", "m/pts"]],
  ])("says in one line: %s", (_what, words) => {
    const done = inside("echo started", ...words);
    expect(done).toMatchObject({ status: 125, stdout: "" });
    expect(done.stderr).toMatch(helper.failureLine);
  });
});
