import { chownSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changed, said } from "../helpers/reviewed.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";
import { snapshot } from "../helpers/tree.ts";

const git = "git -c user.name=n -c user.email=e@example.org -c init.defaultBranch=main";

describe.each(people)("diff, apply, discard and undo as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  /** A small project of the person's. */
  function project(name: string): string {
    const folder = desk.folder(name);
    desk.folder(`${name}/src`);
    desk.file(`${name}/.gitignore`, "out/\n");
    for (const file of ["a", "b", "gone", "src/main"]) desk.file(`${name}/${file}`, "one\ntwo\nthree\n");
    return folder;
  }
  const work =
    "echo four >>a; rm gone; echo new >new; chmod +x src/main; mkdir -p out dir/deep; echo x >out/x; echo d >dir/deep/d; head -c 64 /dev/zero >bin; echo t >Makefile";
  const read = (folder: string, name: string) => readFileSync(path.join(folder, name), "utf8");

  test("diff: text, --stat, --ignored, a path, --json, and nothing of it touches the folder", async () => {
    const folder = project("shown");
    const before = snapshot(folder);
    const name = await changed(desk, folder, work);
    const head = `session ${name} · ${folder}\n6 added, 1 changed, 1 removed, 1 mode, 1 binary, 1 marked; 2 folders among them\n  marked    Makefile (a build runs it)\n\n`;
    const rest = "\nnot shown: 2 paths that the folder's .gitignore ignores; --ignored shows them\n";
    const [code, stdout, stderr] = await said(desk, ["diff", name]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.startsWith(head) && stdout.endsWith(rest), stdout).toBe(true);
    expect(stdout).toContain("--- a/a\n+++ b/a\n@@ -1,3 +1,4 @@\n one\n two\n three\n+four\n");
    const stat = [
      " Makefile   |    1 +",
      " a          |    1 +",
      " bin        | binary, added, 64 bytes",
      " dir        | folder added",
      " dir/deep   | folder added",
      " dir/deep/d |    1 +",
      " gone       |    3 ---",
      " new        |    1 +",
      " src/main   | mode 0644 -> 0755",
    ].map((line) => (line.startsWith(" Makefile") ? `${line} (marked)\n` : `${line}\n`));
    expect(await said(desk, ["diff", "--stat", name])).toEqual([0, head + stat.join("") + rest, ""]);
    const [, whole] = await said(desk, ["diff", "--stat", "--ignored", name]);
    expect(whole).toContain("8 added");
    expect(whole).toMatch(/^ out\/x +\| +1 \+$/m);
    expect(whole).not.toContain("--ignored shows");
    const below = `session ${name} · ${folder}\n3 added; 2 folders among them\n\n dir        | folder added\n dir/deep   | folder added\n dir/deep/d |    1 +\n`;
    expect(await said(desk, ["diff", name, "--stat", "dir/deep"])).toEqual([0, below, ""]);
    const json = JSON.parse((await said(desk, ["diff", "--json", name]))[1]);
    expect(json).toMatchObject({
      schema: "workcell.diff/1",
      layers: [
        {
          session: name,
          folder,
          summary: { added: 8, changed: 1, removed: 1, mode: 1, binary: 1, ignored: 2 },
        },
      ],
    });
    expect(json.layers[0].changes.map((change: { path: string }) => change.path)).toContain("out/x");
    expect(snapshot(folder)).toEqual(before);
  });

  test("diff --output patch is what git apply takes, .git and ignored paths left out and said", async () => {
    const folder = project("patched");
    const make = `${git} init -q && ${git} add . && ${git} commit -qm first`;
    expect((await desk.outside(["sh", "-c", make], { cwd: folder })).code).toBe(0);
    const name = await changed(desk, folder, `${work}; ${git} add . ; ${git} commit -qm second`);
    const patch = await desk.workcell(["diff", "--output", "patch", name]);
    expect([patch.code, patch.stderr]).toMatchObject([
      0,
      expect.stringMatching(/^workcell: \d+ paths left out/),
    ]);
    const copy = desk.folder("patched-copy");
    await desk.outside(["sh", "-c", "cp -a ../patched/. ."], { cwd: copy });
    const applied = await desk.outside(["git", "apply", "--verbose", "-"], { cwd: copy, input: patch.bytes });
    expect(applied.stderr).not.toContain("error");
    expect([applied.code, read(copy, "a"), existsSync(path.join(copy, "gone"))]).toEqual([
      ...[0, "one\ntwo\nthree\nfour\n", false],
    ]);
    expect(readFileSync(path.join(copy, "bin"))).toEqual(Buffer.alloc(64));
    // Named, it is in it.
    const [, named] = await said(desk, ["diff", "--output", "patch", name, "out/x"]);
    expect(named).toContain("+++ b/out/x");
  });

  test("diff says what it leaves out: by rules of the session's own, and what is too large for a patch", async () => {
    const folder = desk.folder("left-out");
    const name = await changed(
      desk,
      folder,
      "printf '*\\n' >.gitignore; echo 1 >x; echo t >Makefile; truncate -s 9M vast",
    );
    const [, stdout] = await said(desk, ["diff", "--stat", name]);
    expect(stdout).toMatch(/^ \.gitignore \| +1 \+\n Makefile {3}\| +1 \+ \(marked\)$/m);
    expect(stdout.split("\n").slice(-2)[0]).toBe(
      "not shown: 2 paths that a .gitignore which the session wrote ignores; --ignored shows them",
    );
    const [code, patch, why] = await said(desk, ["diff", "--output", "patch", "--ignored", name]);
    expect([code, why, patch.includes("+++ b/x\n"), patch.includes("+++ b/vast")]).toEqual([
      0,
      "workcell: too large for a patch, and not in it: vast; workcell apply carries all over\n",
      true,
      false,
    ]);
  });

  test("apply, whole and by path, makes steps; undo takes back a path, the newest, and each by its number", async () => {
    const folder = project("applied");
    const at = { cwd: folder };
    const before = snapshot(folder);
    const name = await changed(desk, folder, work);
    const applied = (count: string, step: number) =>
      `Applied ${count} to ${folder} (step ${step})\n  to undo: workcell undo ${name} --step ${step}\n`;
    expect(await said(desk, ["apply", "a", "dir"], at)).toEqual([0, applied("4 changes", 1), ""]);
    expect([read(folder, "a"), existsSync(path.join(folder, "new"))]).toEqual([
      ...["one\ntwo\nthree\nfour\n", false],
    ]);
    expect(await said(desk, ["apply"], at)).toEqual([0, applied("7 changes", 2), ""]);
    expect(existsSync(path.join(folder, "gone"))).toBe(false);
    const none = /^workcell: no changes wait here; last applied \d+ s ago, as step 2 of [a-z-]+\n/;
    for (const command of ["diff", "apply", "discard"])
      expect(await said(desk, [command], at)).toEqual([0, "", expect.stringMatching(none)]);
    // The path says which step.
    expect(await said(desk, ["undo", "a"], at)).toEqual([
      ...[
        0,
        `Undid 1 change of step 1 in ${folder} (step 3)\n  to bring it back: workcell undo ${name} --step 3\n`,
        "",
      ],
    ]);
    expect(await said(desk, ["undo"], at)).toEqual([
      ...[
        0,
        `Undid 7 changes of step 2 in ${folder} (step 4)\n  to bring it back: workcell undo ${name} --step 4\n`,
        "",
      ],
    ]);
    const [, list] = await said(desk, ["undo", "--list", name]);
    expect(list.split("\n").map((line) => line.replace(/ {2,}/g, "|").replace(/\d+ s ago/, "now"))).toEqual([
      expect.stringMatching(/^\|1\|apply\|now\|4 paths\|[^|]+B?\|.*\|\(partly undone\)$/),
      expect.stringMatching(/^\|2\|apply\|now\|7 paths\|[^|]+\|.*\|\(undone\)$/),
      expect.stringMatching(/^\|3\|undo of 1\|now\|1 path\|[^|]+\|/),
      expect.stringMatching(/^\|4\|undo of 2\|now\|\d paths\|[^|]+\|/),
      "",
    ]);
    expect(await said(desk, ["undo", "--step", "1"], at)).toEqual([
      ...[
        0,
        `Undid 3 changes of step 1 in ${folder} (step 5)\n  to bring it back: workcell undo ${name} --step 5\n`,
        "",
      ],
    ]);
    // All is as it was, bytes, modes, owners and times; only the folders' own times say that something was done.
    const still = Object.entries(snapshot(folder)).map(([place, text]) => [
      place,
      text.split(" ").slice(0, 3),
    ]);
    expect(still).toEqual(
      Object.entries(before).map(([place, text]) => [place, text.split(" ").slice(0, 3)]),
    );
    expect(read(folder, "a")).toBe("one\ntwo\nthree\n");
    const [code, , why] = await said(desk, ["undo"], at);
    expect([code, why]).toEqual([
      125,
      expect.stringContaining("Nothing that was applied here can be undone any more"),
    ]);
    // An undo is a step: its own undo does it again, and nobody has to know in which session.
    expect(await said(desk, ["undo", "--step", "3"], at)).toEqual([
      ...[0, expect.stringContaining(`  to undo: workcell undo ${name} --step 6\n`), ""],
    ]);
    expect(read(folder, "a")).toBe("one\ntwo\nthree\nfour\n");
    const back = new RegExp(
      `; last brought back .* as step 6 of ${name}; to undo: workcell undo ${name} --step 6\n`,
    );
    expect((await said(desk, ["diff"], at))[2]).toMatch(back);
  });

  test("undo: what was undone and brought back is there to be undone, by whatever way it is asked for", async () => {
    const folder = desk.folder("again");
    desk.file("again/f", "old\n");
    const name = await changed(desk, folder, "echo new >f");
    const inFolder = (...words: string[]) => said(desk, words, { cwd: folder });
    for (const words of [["apply"], ["undo"], ["undo", name, "--step", "2"]])
      expect([words, (await inFolder(...words))[0]]).toEqual([words, 0]);
    expect(await inFolder("undo", name, "--step", "1")).toEqual([
      1,
      "",
      `workcell: all of step 1 had been undone before, and brought back by step 3; to undo: workcell undo ${name} --step 3\n`,
    ]);
    expect((await inFolder("undo", "--list"))[1]).toMatch(/^ +1 {2}apply .*\(undone, brought back by 3\)$/m);
    expect([(await inFolder("undo", "f"))[1].split("\n")[0], read(folder, "f")]).toEqual([
      `Undid 1 change of step 3 in ${folder} (step 4)`,
      "old\n",
    ]);
    expect((await inFolder("undo", name, "--step", "4"))[0]).toBe(0);
    expect([(await inFolder("undo"))[0], read(folder, "f")]).toEqual([0, "old\n"]);
    expect((await inFolder("undo"))[2]).toContain("Nothing that was applied here can be undone any more");
    // Of a part: the rest of the step goes, and what stays is said.
    const other = await changed(desk, folder, "echo 1 >g; echo 1 >h");
    for (const words of [["apply"], ["undo", "g"], ["undo", other, "--step", "2"]])
      expect([words, (await inFolder(...words))[0]]).toEqual([words, 0]);
    const [code, , why] = await inFolder("undo", other, "--step", "1");
    expect([code, why, existsSync(`${folder}/g`), existsSync(`${folder}/h`)]).toEqual([
      1,
      `workcell: part of step 1 had been undone before, and brought back by step 3; to undo: workcell undo ${other} --step 3\n`,
      true,
      false,
    ]);
  });

  test.skipIf(person.uid === undefined)("apply of what cannot be done says that, and no more", async () => {
    const folder = desk.folder("shut");
    desk.folder("shut/d");
    desk.file("shut/d/f", "old\n");
    const name = await changed(desk, folder, "echo new >d/f");
    const others = path.join(folder, "d");
    const { uid, gid } = statSync(others);
    chownSync(others, 0, 0);
    const [code, stdout] = await said(desk, ["apply", name, "--take", "theirs"]);
    chownSync(others, uid, gid);
    // The folder itself has another owner now, and the session the earlier one.
    expect([code, stdout.split("\n")[0]]).toEqual([1, "Left 2 paths as they were:"]);
    expect(stdout).toMatch(/^ {2}left {6}d\/f \(.*EACCES\)\)$/m);
    expect(read(folder, "d/f")).toBe("old\n");
  });

  test("undo: what was changed since is left, said, and nothing else is kept back", async () => {
    const folder = project("since");
    const at = { cwd: folder };
    await changed(desk, folder, "echo four >>a; echo four >>b");
    await said(desk, ["apply"], at);
    await changed(desk, folder, "echo five >>b; echo new >new");
    await said(desk, ["apply"], at);
    writeFileSync(path.join(folder, "a"), "mine\n");
    const [, first = ""] =
      /^(\S+)/m.exec((await said(desk, ["session", "list"]))[1].split("\n")[2] ?? "") ?? [];
    const [code, stdout] = await said(desk, ["undo", first], at);
    expect([code, stdout]).toMatchObject([1, expect.stringContaining("Left 2 paths as found:\n")]);
    expect(stdout).toMatch(
      /^ {2}left {6}a \(it was changed since.+\)\n {2}left {6}b \(step 1 of session \S+ changed it later: undo that one first\)$/m,
    );
    expect([read(folder, "a"), read(folder, "b")]).toEqual(["mine\n", "one\ntwo\nthree\nfour\nfive\n"]);
    // None named, the newest step that did something there is meant.
    expect((await said(desk, ["undo", "b"], at))[0]).toBe(0);
    expect(read(folder, "b")).toBe("one\ntwo\nthree\nfour\n");
    // Once the later step is taken back, so can be the earlier one, though another session made it.
    expect((await said(desk, ["undo", first, "b"], at))[0]).toBe(0);
    expect(read(folder, "b")).toBe("one\ntwo\nthree\n");
  });

  test("what is refused is held back until it is named, with the words for it", async () => {
    const folder = project("refused");
    desk.folder("refused/.git");
    desk.folder("refused/.git/hooks");
    const name = await changed(desk, folder, "echo id >.git/hooks/pre-commit; echo four >>a");
    const held = `Held back 1 change:\n  refused   .git/hooks/pre-commit (git runs it)\n  to apply it all the same: workcell apply ${name} .git/hooks/pre-commit\n`;
    expect(await said(desk, ["apply"], { cwd: folder })).toEqual([
      ...[
        0,
        `Applied 1 change to ${folder} (step 1)\n  to undo: workcell undo ${name} --step 1\n${held}`,
        "",
      ],
    ]);
    const hook = path.join(folder, ".git/hooks/pre-commit");
    expect(existsSync(hook)).toBe(false);
    // Nothing but that is there: it was asked for, and not done.
    expect(await said(desk, ["apply"], { cwd: folder })).toEqual([1, held, ""]);
    expect((await said(desk, ["apply", name, ".git/hooks/pre-commit"], { cwd: folder }))[0]).toBe(0);
    expect(read(folder, ".git/hooks/pre-commit")).toBe("id\n");
  });

  test("discard, by path and whole, leaves the folder as it is and the rest waiting", async () => {
    const folder = project("discarded");
    const before = snapshot(folder);
    const name = await changed(desk, folder, work);
    const done = (count: string) => `Discarded ${count} of ${folder} in session ${name}\n`;
    expect(await said(desk, ["discard", name, "dir/deep", "a"])).toEqual([0, done("3 changes"), ""]);
    const [, stat] = await said(desk, ["diff", name, "--stat"]);
    expect([stat.includes(" a "), stat.includes("dir/deep"), stat.includes(" dir ")]).toEqual([
      false,
      false,
      true,
    ]);
    expect(await said(desk, ["discard", name])).toEqual([0, done("8 changes"), ""]);
    expect(await said(desk, ["diff", name])).toEqual([
      0,
      "",
      `workcell: no changes wait in session ${name}\n`,
    ]);
    expect(snapshot(folder)).toEqual(before);
  });

  test("paths: from within, from elsewhere, through links, with dots, and in bytes that are no text", async () => {
    const folder = project("paths");
    await desk.outside(["ln", "-sfn", folder, path.join(desk.work, "link")]);
    const name = await changed(
      desk,
      folder,
      'echo x >>src/main; echo odd >"$(printf "od\\377d\\nname")"; echo odd >"$(printf "od\\376d\\nname")"; echo s >" -s"',
    );
    const found = `session ${name} · ${folder}\n1 changed\n\n src/main |    1 +\n`;
    const ways: readonly (readonly [string, string])[] = [
      ...([
        ["src/main", folder],
        ["main", `${folder}/src`],
        ["src/main", desk.home],
      ] as const),
      ...([
        [`${folder}/src/main`, "/"],
        ["link/src/main", desk.work],
        ["../paths/src/main", folder],
      ] as const),
      [`${desk.work}/link/src/../src/main`, "/"],
    ];
    for (const [word, cwd] of ways)
      expect([word, cwd, ...(await said(desk, ["diff", "--stat", word], { cwd }))]).toEqual([
        ...[word, cwd, 0, found, ""],
      ]);
    const odd = (words: string) =>
      desk.outside(["bash", "-c", `'${desk.program}' ${words}`], { cwd: folder });
    expect((await odd("diff --stat $'od\\377d\\nname'")).stdout).toContain(" od\\xffd\\u000aname |    1 +");
    const both = "$'od\\377d\\nname' $'od\\376d\\nname'";
    expect((await odd(`apply -- ${both} ' -s'`)).stdout).toContain("Applied 3 changes");
    expect((await odd(`undo -- ${both}`)).stdout).toContain("Undid 2 changes");
    for (const word of ["../other", "/etc/passwd", "nothing", `${folder}-other/a`]) {
      const [code, stdout, stderr] = await said(desk, ["apply", word, "src/main"], { cwd: folder });
      expect([word, code, stdout]).toEqual([word, 125, ""]);
      expect(stderr).toContain(`"${word}"`);
    }
    expect(read(folder, "src/main")).toBe("one\ntwo\nthree\n");
  });
});
