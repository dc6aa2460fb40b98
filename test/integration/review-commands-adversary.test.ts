import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changed, said } from "../helpers/reviewed.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";
import { snapshot } from "../helpers/tree.ts";

/** Whoever tries to lose or leak a person's file through the commands that work on what waits. */
describe.each(people)("diff, apply, discard and undo against mischief as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const read = (folder: string, name: string) => readFileSync(path.join(folder, name), "utf8");
  const stray = (folder: string) => readdirSync(folder).filter((name) => name.startsWith(".workcell-"));

  test("two applies of one session at once: one does it, the other finds nothing left", async () => {
    const folder = desk.folder("twice");
    const name = await changed(desk, folder, "for i in $(seq 300); do echo $i >f$i; done");
    const both = await Promise.all([said(desk, ["apply", name]), said(desk, ["apply", name])]);
    expect(both.map(([code]) => code)).toEqual([0, 0]);
    expect(both.filter(([, stdout]) => stdout.startsWith("Applied 300 changes")).length).toBe(1);
    expect([readdirSync(folder).length, stray(folder)]).toEqual([300, []]);
  });

  test("two sessions apply the same files at once: each file is the one's or the other's, and none is lost", async () => {
    const folder = desk.folder("rivals");
    const names = [];
    for (const word of ["one", "two"])
      names.push(await changed(desk, folder, `for i in $(seq 100); do echo ${word} >f$i; done`));
    const both = await Promise.all(names.map((name) => said(desk, ["apply", name])));
    expect(both.map(([code]) => code).sort()).toContain(1);
    const found = readdirSync(folder).map((name) => read(folder, name));
    expect([found.length, found.every((text) => text === "one\n" || text === "two\n")]).toEqual([100, true]);
    // What was not carried over waits, as it was.
    const waiting = await Promise.all(names.map((name) => said(desk, ["diff", "--json", name])));
    const left = waiting.flatMap(([, stdout]) =>
      JSON.parse(stdout).layers.flatMap((one: { changes: unknown[] }) => one.changes),
    );
    expect(left.length).toBe(100);
  });

  test("while the person writes in the folder, apply overwrites nothing of theirs", async () => {
    const folder = desk.folder("written");
    for (let index = 0; index < 200; index += 1) desk.file(`written/f${index}`, "before\n");
    const name = await changed(desk, folder, "for i in $(seq 0 199); do echo session >f$i; done");
    const script = "for i in $(seq 0 199); do echo person >f$i; done";
    const [, applied] = await Promise.all([
      desk.outside(["sh", "-c", script], { cwd: folder }),
      said(desk, ["apply", name]),
    ]);
    const texts = readdirSync(folder).map((file) => read(folder, file));
    expect(texts.filter((text) => text !== "person\n" && text !== "session\n")).toEqual([]);
    // Where the session's stands, the person's came later, or was kept.
    expect(applied[2]).toBe("");
    if (texts.includes("session\n")) expect((await said(desk, ["undo", name]))[0]).toBeLessThanOrEqual(1);
    expect(stray(folder)).toEqual([]);
  });

  test("the folder that goes in the middle of an apply comes back whole", async () => {
    const folder = desk.folder("moved");
    const name = await changed(desk, folder, "for i in $(seq 500); do echo $i >f$i; done");
    const apply = said(desk, ["apply", name]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    renameSync(folder, `${folder}-away`);
    const [code] = await apply;
    expect([0, 125]).toContain(code);
    expect(existsSync(folder)).toBe(false);
    renameSync(`${folder}-away`, folder);
    expect((await said(desk, ["apply", name]))[0]).toBe(0);
    expect([readdirSync(folder).length, stray(folder)]).toEqual([500, []]);
  });

  test("a layer with links and odd names in it leads nowhere: not out of the folder, not into the terminal", async () => {
    const folder = desk.folder("hostile");
    const secret = desk.file("secret", "the person's\n");
    const name = await changed(
      desk,
      folder,
      `ln -s ${path.dirname(secret)} out; ln -s ${secret} link; mkdir -p sub; ln -s / sub/root; printf x >"$(printf '\\033]0;title\\007\\nx')"; echo x >"--take"; echo x >"-m"; mkdir -- "--all"; echo y >"--all/y"`,
    );
    const [, shown] = await said(desk, ["diff", name]);
    expect([shown.includes("\x1b"), shown.includes("the person's")]).toEqual([false, false]);
    const [, stat] = await said(desk, ["diff", name, "--stat", "out/secret"], { cwd: folder });
    expect(stat).toBe("");
    for (const word of ["out/secret", "link/x", "sub/root/etc/passwd", "../secret"])
      expect([word, (await said(desk, ["apply", name, word], { cwd: folder }))[0]]).toEqual([word, 125]);
    await said(desk, ["apply", name]);
    expect((await said(desk, ["apply", name, "out", "link", "sub/root"], { cwd: folder }))[0]).toBe(0);
    expect(readFileSync(secret, "utf8")).toBe("the person's\n");
    expect((await said(desk, ["discard", name]))[0]).toBe(0);
    while ((await said(desk, ["undo", name]))[0] === 0);
    expect([readdirSync(folder), readFileSync(secret, "utf8")]).toEqual([[], "the person's\n"]);
  });

  test("a link in the folder's place is not followed", async () => {
    const folder = desk.folder("linked");
    desk.file("linked/a", "a\n");
    const elsewhere = desk.folder("elsewhere");
    desk.file("elsewhere/a", "mine\n");
    const before = snapshot(elsewhere);
    const name = await changed(desk, folder, "echo x >>a");
    renameSync(folder, `${folder}-away`);
    symlinkSync(elsewhere, folder);
    for (const command of ["diff", "apply"]) {
      const [code, , why] = await said(desk, [command, name]);
      expect([command, code, why]).toEqual([
        command,
        125,
        expect.stringContaining("the folder is gone, a link stands there"),
      ]);
    }
    expect(snapshot(elsewhere)).toEqual(before);
    expect((await said(desk, ["discard", name]))[0]).toBe(0);
    expect(snapshot(elsewhere)).toEqual(before);
  });

  test("records within a connected folder, a folder above them, and the system's are refused", async () => {
    const folder = desk.folder("records");
    const within = { XDG_STATE_HOME: path.join(folder, "state") };
    for (const [words, env] of [
      [["-m", folder], within],
      [["-m", desk.home], {}],
      [["-m", "/"], {}],
    ] as const) {
      const [code, , why] = await said(desk, ["run", ...words, "true"], { env });
      expect([code, why]).toEqual([125, expect.stringContaining("Cannot connect the folder")]);
    }
  });

  test("an editor and a pager of odd words run what the person wrote, and nothing of the folder's", async () => {
    const folder = desk.folder("words");
    desk.file("words/a.txt", "1\n");
    // What lies in the folder under such names is not run.
    for (const file of ["less", "vi", "sed"])
      desk.file(`words/${file}`, `#!/bin/sh\ntouch ${folder}/ran\n`, 0o755);
    const name = await changed(desk, folder, "echo theirs >a.txt");
    writeFileSync(path.join(folder, "a.txt"), "ours\n");
    const edit = `sed -i -e '/^[<=>]\\{7\\}/d'`;
    const words = ["apply", name, "a.txt", "--take", "merge"];
    const done = await desk.startOnTerminal(words, { cwd: folder, env: { VISUAL: "", EDITOR: edit } }).ended;
    expect([done.code, read(folder, "a.txt")]).toEqual([0, "ours\ntheirs\n"]);
    const shown = await desk.startOnTerminal(["diff", "--stat"], { cwd: folder, env: { PAGER: "  " } }).ended;
    expect([shown.code, existsSync(path.join(folder, "ran"))]).toEqual([0, false]);
  });

  test("a step that was cut off in a folder that another one replaced touches nothing there", async () => {
    const folder = desk.folder("cut");
    desk.file("cut/a", "a\n");
    const name = await changed(desk, folder, "echo x >>a");
    await said(desk, ["apply", name]);
    const journal = path.join(desk.state, "sessions", name, "steps/1/journal.json");
    const { done: _done, ...step } = JSON.parse(readFileSync(journal, "utf8"));
    writeFileSync(journal, JSON.stringify({ ...step, state: "staged", staged: {} }));
    renameSync(folder, `${folder}-away`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, "a"), "another\n");
    const before = snapshot(folder);
    for (const command of ["diff", "undo"]) {
      const [code, , why] = await said(desk, [command, name]);
      expect([command, code, why]).toEqual([
        command,
        125,
        expect.stringContaining("another folder stands there"),
      ]);
    }
    expect(snapshot(folder)).toEqual(before);
    // Put back, it is finished, and can be undone.
    rmSync(folder, { recursive: true });
    renameSync(`${folder}-away`, folder);
    expect((await said(desk, ["diff", name]))[2]).toContain("had been interrupted and is finished now");
  });
});
