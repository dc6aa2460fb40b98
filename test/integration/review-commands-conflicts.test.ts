import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changed, said, waitsIn } from "../helpers/reviewed.ts";
import { type Desk, makeDesk, people, until } from "../helpers/run-workcell.ts";

describe.each(people)("conflicts, --apply and auto as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const read = (folder: string, name: string) => readFileSync(path.join(folder, name), "utf8");

  /** A folder in which the session and the person both changed `both`, and the session `mine` alone. */
  async function conflicting(name: string): Promise<{ folder: string; session: string }> {
    const folder = desk.folder(name);
    desk.file(`${name}/both`, "1\n2\n3\n4\n5\n", 0o640);
    desk.file(`${name}/mine`, "m\n");
    const session = await changed(desk, folder, "sed -i s/2/theirs/ both; echo more >>mine");
    writeFileSync(path.join(folder, "both"), "1\nours\n3\n4\n5\n");
    return { folder, session };
  }

  /** An editor of the person's: a script. */
  const editor = (name: string, script: string) => {
    const file = desk.file(name, `#!/bin/sh\n${script}\n`, 0o755);
    chmodSync(file, 0o755);
    return file;
  };
  const lines = (text: string) => text.replaceAll("\r\n", "\n");

  test("a conflict is shown, never overwritten, and holds nothing else back", async () => {
    const { folder, session } = await conflicting("shown");
    const [, shown] = await said(desk, ["diff", session]);
    expect(shown).toContain("2 changed, 1 in conflict\n  conflict  both (changed on the host");
    expect(shown).toContain("- is the folder's version, + the session's");
    expect(shown).toContain(" 1\n-ours\n+theirs\n 3\n");
    const [code, stdout] = await said(desk, ["apply", session]);
    expect([code, read(folder, "both"), read(folder, "mine")]).toEqual([
      1,
      "1\nours\n3\n4\n5\n",
      "m\nmore\n",
    ]);
    expect(stdout).toContain("Applied 1 change");
    expect(stdout).toContain(`Held back 1 change:\n  conflict  both`);
    expect(stdout).toContain(`to decide conflicts: workcell apply ${session} --take theirs|ours|merge\n`);
  });

  test("--take theirs, ours, and a word that is neither", async () => {
    const one = await conflicting("theirs");
    expect((await said(desk, ["apply", one.session, "--take", "theirs", "both"]))[0]).toBe(0);
    expect([read(one.folder, "both"), read(one.folder, "mine")]).toEqual(["1\ntheirs\n3\n4\n5\n", "m\n"]);
    // It can be had back as any other step.
    expect((await said(desk, ["undo", one.session]))[0]).toBe(0);
    expect(read(one.folder, "both")).toBe("1\nours\n3\n4\n5\n");
    const two = await conflicting("ours");
    const [code, stdout] = await said(desk, ["apply", two.session, "--take", "ours"]);
    expect([code, stdout.split("\n")[0]]).toEqual([
      0,
      "Kept the folder's own version of 1 path; the session's is given up",
    ]);
    expect([read(two.folder, "both"), read(two.folder, "mine")]).toEqual(["1\nours\n3\n4\n5\n", "m\nmore\n"]);
    expect((await said(desk, ["diff", two.session]))[1]).toBe("");
    const [wrong, , why] = await said(desk, ["apply", "--take", "mine"]);
    expect([wrong, why]).toEqual([125, expect.stringContaining("theirs, ours or merge")]);
  });

  test("--take merge opens an editor on a file with markers, elsewhere, and applies what it leaves", async () => {
    const { folder, session } = await conflicting("merged");
    const seen = path.join(desk.home, "seen");
    const keep = editor("editor-keep", `{ pwd; cat "$1"; } >${seen}; sed -i '/^[<=>]\\{7\\}/d' "$1"`);
    const words = ["apply", session, "--take", "merge"];
    const done = await desk.startOnTerminal(words, { env: { EDITOR: keep, VISUAL: "" }, cwd: folder }).ended;
    expect([done.code, lines(done.stdout)]).toEqual([0, expect.stringContaining("Applied 2 changes")]);
    expect(read(folder, "both")).toBe("1\nours\ntheirs\n3\n4\n5\n");
    expect(statSync(path.join(folder, "both")).mode & 0o777).toBe(0o640);
    const shown = readFileSync(seen, "utf8");
    expect(shown).toContain("<<<<<<< ");
    // Not in the folder: some editors obey files that lie where they start.
    expect([shown.startsWith(folder), readdirSync(folder).sort()]).toEqual([false, ["both", "mine"]]);
  });

  test.each([
    ["fails", "exit 3", "ended with 3"],
    ["leaves the markers", "true", "there are markers in it still"],
  ])("an editor that %s leaves both versions as they were", async (what, script, why) => {
    const { folder, session } = await conflicting(`editor-${what.replaceAll(" ", "-")}`);
    const env = { VISUAL: editor(`editor-${what.length}`, script) };
    const done = await desk.startOnTerminal(["apply", session, "both", "--take", "merge"], { env }).ended;
    expect([done.code, lines(done.stdout)]).toEqual([1, expect.stringContaining(why)]);
    expect(read(folder, "both")).toBe("1\nours\n3\n4\n5\n");
    expect((await said(desk, ["diff", session, "both"]))[1]).toContain("+theirs");
  });

  test("without a terminal --take merge merges what needs no eye, and asks nobody", async () => {
    const { folder, session } = await conflicting("no-terminal");
    const [code, , why] = await said(desk, ["apply", session, "--take", "merge"], {
      env: { EDITOR: "touch /tmp/no" },
    });
    expect([code, why]).toEqual([
      1,
      "workcell: both is not merged: that needs an editor, and this is no terminal\n",
    ]);
    expect([read(folder, "both"), read(folder, "mine")]).toEqual(["1\nours\n3\n4\n5\n", "m\nmore\n"]);
  });

  test.each([
    ["y", true],
    ["", false],
    ["no", false],
  ])("--apply ask on a terminal, answered %o", async (answer, isApplied) => {
    const folder = desk.folder(`asked-${answer}`);
    desk.file(`asked-${answer}/a`, "a\n");
    const run = desk.startOnTerminal([
      "run",
      "--apply",
      "ask",
      "-m",
      folder,
      "sh",
      "-c",
      "echo b >>a; exit 7",
    ]);
    await run.said("Apply them? [y/N, d to see them first] ");
    expect(read(folder, "a")).toBe("a\n");
    run.child.stdin?.write(`${answer}\n`);
    const { code, stdout } = await run.ended;
    expect([code, read(folder, "a")]).toEqual([7, isApplied ? "a\nb\n" : "a\n"]);
    expect(stdout).toMatch(isApplied ? /Applied 1 change to/ : /1 change waits in session/);
  });

  test("--apply ask shows the changes themselves when it is told to, and asks again", async () => {
    const folder = desk.folder("looked-at");
    desk.file("looked-at/a", "a\n");
    const words = ["run", "--apply", "ask", "-m", folder, "sh", "-c", "echo b >>a"];
    const run = desk.startOnTerminal(words, { env: { PAGER: "cat" } });
    await run.said("Apply them? [y/N, d to see them first] ");
    expect(run.text()).not.toContain("diff --git");
    run.child.stdin?.write("d\n");
    await run.said("diff --git a/a b/a");
    await until(() => run.text().split("Apply them?").length === 3, 10_000);
    expect(read(folder, "a")).toBe("a\n");
    run.child.stdin?.write("y\n");
    expect([(await run.ended).code, read(folder, "a")]).toEqual([0, "a\nb\n"]);
  });

  test("--apply ask asks nobody about changes that are all held back, and says what to do about them", async () => {
    const folder = desk.folder("all-held");
    const words = ["run", "--apply", "ask", "-m", folder, "sh", "-c", "echo {} >.vscode/tasks.json"];
    desk.folder("all-held/.vscode");
    const { code, stdout } = await desk.startOnTerminal(words).ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining("to apply it all the same: workcell apply")]);
    expect(stdout).not.toContain("Apply them?");
  });

  test.each(["y\n", "y"])("what was typed before the question, as %j, is no answer to it", async (early) => {
    const folder = desk.folder(`early-${early.length}`);
    const run = desk.startOnTerminal([
      "run",
      "--apply",
      "ask",
      "-m",
      folder,
      "sh",
      "-c",
      "echo works; sleep 0.3; echo b >a",
    ]);
    await run.said("works");
    run.child.stdin?.write(early);
    await run.said("Apply them? [y/N, d to see them first] ");
    run.child.stdin?.write("\n");
    const { stdout } = await run.ended;
    expect([existsSync(path.join(folder, "a")), stdout]).toEqual([
      false,
      expect.stringMatching(/1 change waits in session/),
    ]);
  });

  test("--apply all applies at the end, whatever the command's code; ask needs a terminal", async () => {
    const folder = desk.folder("all");
    desk.file("all/a", "a\n");
    const ended = await desk.run(["--apply", "all", "-m", folder, "sh", "-c", "echo b >>a; exit 3"]);
    expect([ended.code, ended.stdout, read(folder, "a")]).toEqual([3, "", "a\nb\n"]);
    expect(ended.stderr).toMatch(
      /^Applied 1 change to .* \(step 1\)\n {2}to undo: workcell undo \S+ --step 1\n$/,
    );
    const refused = await desk.run(["--apply", "ask", "-m", folder, "sh", "-c", "echo c >>a"]);
    expect([refused.code, refused.stderr]).toEqual([125, expect.stringContaining("no terminal to ask in")]);
    expect(read(folder, "a")).toBe("a\nb\n");
  });

  test("auto: applied by itself; deletions and truncations wait, and go when the person applies", async () => {
    const folder = desk.folder("auto");
    for (const name of ["edited", "deleted", "emptied"]) desk.file(`auto/${name}`, `${name}\n`);
    const ended = await desk.run([
      "-m",
      `${folder}:auto`,
      "sh",
      "-c",
      "echo x >>edited; rm deleted; : >emptied; echo n >new",
    ]);
    expect([ended.code, read(folder, "edited"), read(folder, "new")]).toEqual([0, "edited\nx\n", "n\n"]);
    expect([read(folder, "deleted"), read(folder, "emptied")]).toEqual(["deleted\n", "emptied\n"]);
    expect(ended.stderr).toMatch(
      /Applied 2 changes to .* \(step 1\)\n.*\nHeld back 2 changes:\n {2}waiting {3}deleted \(.+\)\n {2}waiting {3}emptied/,
    );
    const session = waitsIn(ended);
    expect((await said(desk, ["apply", session]))[0]).toBe(0);
    expect([existsSync(path.join(folder, "deleted")), read(folder, "emptied")]).toEqual([false, ""]);
    for (const step of ["2", "1"]) expect((await said(desk, ["undo", session, "--step", step]))[0]).toBe(0);
    expect(readdirSync(folder).map((name) => read(folder, name))).toEqual([
      "deleted\n",
      "edited\n",
      "emptied\n",
    ]);
  });

  test("several folders at once: each has its own part, and ro inside review stays as it is", async () => {
    const [one, two] = [desk.folder("one"), desk.folder("two")];
    const inner = desk.folder("one/inner");
    for (const place of ["one", "two", "one/inner"]) desk.file(`${place}/file`, "x\n");
    const words = ["-m", one, "-m", two, "-m", `${inner}:ro`];
    const script = `echo y >>file; echo y >>${two}/file; (echo y >>inner/file) 2>/dev/null || echo ro`;
    const ended = await desk.run([...words, "sh", "-c", script]);
    expect([ended.code, ended.stdout]).toEqual([0, "ro\n"]);
    const session = waitsIn(ended);
    const [, stat] = await said(desk, ["diff", session, "--stat"]);
    expect(stat).toContain(`session ${session} · ${one}\n1 changed\n\n file |    1 +\n`);
    expect(stat).toContain(`session ${session} · ${two}\n1 changed\n`);
    const [code, , why] = await said(desk, ["diff", session, "--output", "patch"]);
    expect([code, why]).toEqual([
      125,
      expect.stringContaining("Cannot put the changes of 2 folders into one patch"),
    ]);
    expect((await said(desk, ["diff", session, "--output", "patch", two]))[1]).toMatch(
      /^diff --git a\/file b\/file\n/,
    );
    // In one folder a path is of that folder alone.
    expect((await said(desk, ["apply", "file"], { cwd: two }))[0]).toBe(0);
    expect([read(one, "file"), read(two, "file"), read(inner, "file")]).toEqual(["x\n", "x\ny\n", "x\n"]);
    expect((await said(desk, ["discard", session, path.join(one, "file")]))[0]).toBe(0);
    expect((await said(desk, ["undo", `${two}/file`]))[0]).toBe(0);
    expect([read(one, "file"), read(two, "file")]).toEqual(["x\n", "x\n"]);
  });
});
