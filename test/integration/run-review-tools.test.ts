import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";
import { snapshot } from "../helpers/tree.ts";

const git = "git -c user.name=n -c user.email=e@example.org -c init.defaultBranch=main";

describe.each(people)("programs on a folder in review as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("git: commits, branches, stashes and rebases, and the host's repository stays as it was", async () => {
    const folder = desk.folder("repository");
    desk.file("repository/file", "one\n");
    const make = `${git} init -q && ${git} add . && ${git} commit -qm first`;
    expect((await desk.outside(["sh", "-c", make], { cwd: folder })).code).toBe(0);
    const before = snapshot(folder);
    const script = `set -e; echo two >>file; ${git} commit -qam second; ${git} switch -qc other HEAD~1
echo new >new; ${git} add new; ${git} commit -qm third; ${git} rebase -q main; echo x >>file; ${git} stash -q; ${git} stash pop -q
${git} checkout -q file; ${git} gc -q; ${git} fsck --strict --no-dangling; ${git} status --short; ${git} log --format=%s; cat file`;
    const ended = await desk.run(["-m", folder, "sh", "-c", script]);
    expect([ended.code, ended.stdout]).toEqual([0, "third\nsecond\nfirst\none\ntwo\n"]);
    expect(snapshot(folder)).toEqual(before);
    // The control: what is written live is there.
    const live = await desk.run(["-m", `${folder}:rw`, "sh", "-c", `echo l >>file; ${git} commit -qam live`]);
    expect(live.code).toBe(0);
    expect(readFileSync(path.join(folder, "file"), "utf8")).toBe("one\nl\n");
  });

  test.each(["delete", "wal"])(
    "SQLite with its journal %s, over a database that was there",
    async (journal) => {
      const folder = desk.folder(`database-${journal}`);
      const python = (text: string) => [
        "python3",
        "-c",
        `import sqlite3\nc = sqlite3.connect("db")\n${text}`,
      ];
      const make = `c.execute("pragma journal_mode=${journal}"); c.execute("create table t (x)"); c.execute("insert into t values (1)"); c.commit(); c.close()`;
      expect((await desk.outside(python(make), { cwd: folder })).code).toBe(0);
      const before = snapshot(folder);
      const words = ["--session", `database-${journal}`, "-m", folder];
      const act = `for n in range(200): c.execute("insert into t values (?)", (n,)); c.commit()
print(c.execute("select count(*) from t").fetchone()[0], c.execute("pragma integrity_check").fetchone()[0])`;
      expect((await desk.run([...words, ...python(act)])).stdout).toBe("201 ok\n");
      expect((await desk.run([...words, ...python(act)])).stdout).toBe("401 ok\n");
      expect(snapshot(folder)).toEqual(before);
    },
  );

  test("sed -i, make -j, a virtual environment, and files that are locked, mapped and sparse", async () => {
    const folder = desk.folder("work-of-all-kinds");
    desk.file("work-of-all-kinds/text", "old\n");
    desk.file("work-of-all-kinds/Makefile", "all: a b c d\n%: \n\techo $@ >$@\n");
    const before = snapshot(folder);
    const script = `set -e; sed -i s/old/new/ text; cat text; make -sj4; cat a b c d
python3 -m venv --without-pip v; v/bin/python -c 'print("venv")'
python3 - <<'P'
import fcntl, mmap, os
f = open("text", "r+b"); fcntl.flock(f, fcntl.LOCK_EX); m = mmap.mmap(f.fileno(), 0); m[0:3] = b"NEW"; m.flush(); m.close(); f.close()
os.truncate("sparse", 5 << 30) if os.path.exists("sparse") else open("sparse", "wb").truncate(5 << 30)
print(open("text").read().strip(), os.stat("sparse").st_size, os.stat("sparse").st_blocks)
P`;
    const ended = await desk.run(["-m", folder, "sh", "-c", script]);
    expect([ended.code, ended.stdout]).toEqual([0, "new\na\nb\nc\nd\nvenv\nNEW 5368709120 0\n"]);
    expect(snapshot(folder)).toEqual(before);
  });
});
