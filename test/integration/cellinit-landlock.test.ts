import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askAbout, CellBench, lacking, starters } from "../helpers/cellinit.ts";

const plain = ["--control-fd", "7", "--filter-fd", "5", "--stderr-fd", "6"];
const system = ["/usr", "/bin", "/lib", "/lib64", "/etc", "/proc"].flatMap((path) => [
  "--landlock-read",
  path,
]);
const devices = ["--landlock-write", "/dev"];

/** Prints each attempt with its errno's name, or `done`. */
const attempts = `
import errno, functools, os
print = functools.partial(print, flush=True)
def attempt(what, act):
    try: act(); print(what, "done")
    except OSError as error: print(what, errno.errorcode[error.errno])
def write(path):
    with open(path, "w") as file: file.write("x")
attempt("write", lambda: write("/tmp/open/file"))
attempt("make folder", lambda: os.mkdir("/tmp/open/folder"))
attempt("truncate", lambda: os.truncate("/tmp/open/here", 0))
attempt("remove", lambda: os.unlink("/tmp/open/here"))
attempt("move", lambda: os.rename("/tmp/open/a/file", "/tmp/open/b/file"))
attempt("list", lambda: os.listdir("/tmp/open"))
attempt("read", lambda: open("/tmp/open/b/other").read())
attempt("execute", lambda: os.execv("/tmp/open/b/program", ["program"]))`;
const prepare = `rm -rf /tmp/open/*; mkdir /tmp/open/a /tmp/open/b; cd /tmp/open; touch here a/file b/other
  printf '#!/bin/sh\\necho execute done\\n' > b/program; chmod 755 b/program; cd /; exec "$@"`;
const names = ["write", "make folder", "truncate", "remove", "move", "list", "read", "execute"];

describe.skipIf(lacking("bwrap", "python3").length > 0)("cellinit's Landlock", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench();
  });
  afterAll(() => bench[Symbol.dispose]());

  const run = (starter: (typeof starters)[number], ...options: readonly string[]) =>
    bench.run({
      starter,
      around: prepare,
      options: [...plain, "--landlock-required", ...system, ...devices, ...options],
      command: ["python3", "-c", attempts],
    });
  const all = (answer: string) => names.map((name) => `${name} ${answer}\n`).join("");

  test.each(starters)("%s: a folder in no list is closed, though the mount is writable", (starter) => {
    const { stdout, code } = run(starter);
    expect(stdout).toBe(all("EACCES"));
    expect(code).toBe(0);
  });

  test.each(starters)("%s: a folder of the write list is open in every way", (starter) => {
    expect(run(starter, "--landlock-write", "/tmp/open").stdout).toBe(all("done"));
  });

  test("a folder of the read list may be read and executed", () => {
    const may = new Set(["list", "read", "execute"]);
    const expected = names.map((name) => `${name} ${may.has(name) ? "done" : "EACCES"}\n`).join("");
    expect(run("user", "--landlock-read", "/tmp/open").stdout).toBe(expected);
  });

  test("a single file may be named", () => {
    const { stdout } = run(
      "user",
      "--landlock-write",
      "/tmp/open/here",
      "--landlock-read",
      "/tmp/open/b/other",
    );
    expect(stdout).toContain("truncate done\n");
    expect(stdout).toContain("read done\n");
    expect(stdout).toContain("write EACCES\n");
  });

  test("a path that is not there is passed over", () => {
    const missing = ["--landlock-read", "/tmp/none", "--landlock-write", "/etc/passwd/below"];
    expect(run("user", ...missing).code).toBe(0);
  });

  test("a path that cannot be looked at stops the start", () => {
    const done = bench.run({
      around: `mkdir -m 0 /tmp/closed; exec "$@"`,
      options: [...plain, "--landlock-required", "--landlock-read", "/tmp/closed/below"],
      command: ["sh", "-c", ": > /tmp/open/marker"],
    });
    expect(done).toMatchObject({ code: 125, marked: false });
    expect(done.messages).toMatchObject([
      { say: "F", step: `open for Landlock "/tmp/closed/below"`, error: 13 },
    ]);
  });

  describe("in a kernel without it", () => {
    const createRuleset = 444;
    const without = (need: string) =>
      bench.run({
        options: [...plain, need, "--landlock-read", "/"],
        host: { first_filter: `${bench.path}/no-landlock` },
        command: ["sh", "-c", ": > /tmp/open/marker"],
      });

    test("--landlock-required runs nothing, --landlock-optional says 0", () => {
      // Nobody listens to the first filter, so what it asks about is ENOSYS.
      writeFileSync(`${bench.path}/no-landlock`, askAbout(createRuleset));
      const required = without("--landlock-required");
      expect(required).toMatchObject({ code: 125, marked: false });
      expect(required.messages).toMatchObject([
        { say: "F", error: 38, step: `ask for the version of "Landlock"` },
      ]);
      const optional = without("--landlock-optional");
      expect(optional).toMatchObject({ code: 0, marked: true });
      expect(optional.messages).toMatchObject([{ say: "S", landlock: 0 }]);
    });
  });
});
