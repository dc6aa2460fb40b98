import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canMakeDisks } from "../../src/session/disk-image.ts";
import { changed, said } from "../helpers/reviewed.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

const MB = 1_000_000;

describe.each(people)("what is kept for undo as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => {
    // overlayfs leaves a folder in a layer that its owner may not read.
    execFileSync("chmod", ["-R", "u+rwx", path.dirname(desk.home)]);
    desk[Symbol.dispose]();
  });
  const isOwnDisk = canMakeDisks(person.uid ?? process.getuid?.() ?? 1);
  const kept = (session: string) => {
    const steps = path.join(desk.state, "sessions", session, "steps");
    return readdirSync(steps).filter((number) => existsSync(path.join(steps, number, "kept")));
  };

  /** A folder with random files of so many megabytes, by name. */
  function fill(name: string, files: Readonly<Record<string, number>>) {
    const folder = desk.folder(name);
    const contents = Object.entries(files).map(([file, megabytes]) => {
      const content = randomBytes(megabytes * MB);
      desk.file(`${name}/${file}`, content);
      return [file, content] as const;
    });
    return { folder, contents: new Map(contents) };
  }

  /** Runs a command in a session of 63 MB, and applies what it changed; what Workcell said then on stderr. */
  async function applied(session: string, folder: string, script: string): Promise<string> {
    const ended = await desk.run(["--session", session, "--disk", "60M", "-m", folder, "sh", "-c", script]);
    expect(ended.code, ended.stderr).toBe(0);
    const [code, , stderr] = await said(desk, ["apply", session]);
    expect(code, stderr).toBe(0);
    return stderr;
  }

  test("the oldest steps are given up when a session takes more than its disk, and that is said; the others come back whole", async () => {
    const { folder, contents } = fill("bounded-files", { a: 25, b: 25, c: 25, d: 1 });
    expect(await applied("bounded", folder, "rm a")).toBe("");
    expect(await applied("bounded", folder, "rm b")).toBe("");
    expect(await applied("bounded", folder, "rm c")).toMatch(
      /^workcell: step 1 cannot be undone any more, to make room \(25(\.\d)? MB\): session bounded may take 62\.9 MB on the disk\n$/,
    );
    expect(kept("bounded")).toEqual(["2", "3"]);
    const [, list, about] = await said(desk, ["undo", "--list", "bounded"]);
    expect(list.match(/^ +\d/gm)?.map(Number)).toEqual([2, 3]);
    expect(about).toMatch(/^workcell: 1 older step cannot be undone any more: what it kept is given up\n/);
    expect(about).toMatch(/kept for undo: 50(\.\d)? MB; in all, session bounded may take 62\.9 MB/);
    const [code, , why] = await said(desk, ["undo", "bounded", "--step", "1"]);
    expect([code, why]).toEqual([125, expect.stringContaining("was given up, for room")]);
    expect((await said(desk, ["undo", "bounded"]))[0]).toBe(0);
    expect((await said(desk, ["undo", "bounded"]))[0]).toBe(0);
    expect(readdirSync(folder)).toEqual(["b", "c", "d"]);
    for (const file of ["b", "c"])
      expect(readFileSync(path.join(folder, file)).equals(contents.get(file) ?? Buffer.of())).toBe(true);
    const [none, , gone] = await said(desk, ["undo", "bounded"]);
    expect([none, gone]).toEqual([125, expect.stringContaining("no step that can be undone")]);
  });

  test("the newest step stays, also when it alone takes more than there is", async () => {
    const { folder, contents } = fill("large-files", { small: 5, vast: 70 });
    expect(await applied("large", folder, "rm small")).toBe("");
    const said1 = await applied("large", folder, "rm vast");
    expect(said1).toMatch(/^workcell: step 1 cannot be undone any more/);
    expect(said1).toMatch(
      /workcell: what is kept for undo takes 70(\.\d)? MB, and session large .*: the newest step stays/,
    );
    // Nor does it go with the next run or undo.
    await desk.run(["--session", "large", "-m", folder, "true"]);
    expect(kept("large")).toEqual(["2"]);
    expect((await said(desk, ["undo", "large"]))[0]).toBe(0);
    expect(readFileSync(path.join(folder, "vast")).equals(contents.get("vast") ?? Buffer.of()), "large").toBe(
      true,
    );
  });

  test.skipIf(isOwnDisk)("what the command itself wrote counts to the same disk", async () => {
    const { folder } = fill("home-files", { a: 20, b: 20 });
    expect(await applied("home", folder, "rm a")).toBe("");
    expect(await applied("home", folder, "rm b")).toBe("");
    const ended = await desk.run([
      "--session",
      "home",
      "--disk",
      "60M",
      "-m",
      folder,
      "sh",
      "-c",
      "head -c 25000000 /dev/urandom >$HOME/big",
    ]);
    expect(ended.stderr).toMatch(/workcell: step 1 cannot be undone any more, to make room/);
    expect(kept("home")).toEqual(["2"]);
  });

  test("what waits in a layer counts to the same disk", async () => {
    const { folder } = fill("waiting-files", { a: 20, b: 20 });
    expect(await applied("waiting", folder, "rm a")).toBe("");
    expect(await applied("waiting", folder, "rm b")).toBe("");
    const grow = ["--session", "waiting", "--disk", "60M", "-m", folder, "sh", "-c"];
    const ended = await desk.run([...grow, "head -c 30000000 /dev/urandom >grown"]);
    expect(ended.stderr).toMatch(/workcell: step 1 cannot be undone any more, to make room/);
    expect(ended.stderr).toContain("1 change waits in session waiting");
    expect(kept("waiting")).toEqual(["2"]);
    expect((await said(desk, ["undo", "waiting"]))[0]).toBe(0);
    expect(readdirSync(folder)).toEqual(["b"]);
  });

  test("the control: where there is room nothing is given up, and whoever waives the limit keeps all", async () => {
    const { folder } = fill("roomy", { a: 20, b: 20, c: 20, d: 20 });
    for (const file of ["a", "b", "c"]) {
      const name = await changed(desk, folder, `rm ${file}`);
      expect((await said(desk, ["apply", name]))[2]).toBe("");
    }
    const waived = ["--session", "waived", "--waive", "disk", "--disk", "60M", "-m", folder];
    for (const script of ["rm d", "head -c 70000000 /dev/urandom >e", "rm e"]) {
      expect((await desk.run([...waived, "sh", "-c", script])).code).toBe(0);
      expect(await said(desk, ["apply", "waived"])).toEqual([0, expect.anything(), ""]);
    }
    expect(kept("waived")).toEqual(["1", "2", "3"]);
  });

  test("gc gives up what is old, and nothing of a step that is not at its end", async () => {
    const { folder } = fill("collected", { a: 1, b: 1 });
    const run = ["--session", "collected", "-m", folder, "sh", "-c"];
    for (const file of ["a", "b"]) {
      await desk.run([...run, `rm ${file}`]);
      await said(desk, ["apply", "collected"]);
    }
    const journal = path.join(desk.state, "sessions/collected/steps/1/journal.json");
    const step = JSON.parse(readFileSync(journal, "utf8"));
    writeFileSync(journal, JSON.stringify({ ...step, done: [{ ...step.done[0], open: true }] }));
    const [code, stdout] = await said(desk, ["session", "gc", "--older-than", "0s"]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^Forgot \d+ sessions? and what \d+ steps? kept/),
    ]);
    expect(kept("collected")).toEqual(["1"]);
    // Of the other one nothing is kept: it is no step to undo any more.
    const { sessions } = JSON.parse((await said(desk, ["session", "list", "--json"]))[1]);
    expect(sessions).toContainEqual(expect.objectContaining({ name: "collected", steps: 1 }));
    expect((await said(desk, ["undo", "--list"], { cwd: folder }))[1]).toContain("(interrupted)");
    // Nothing of it is done so far as it says; it is found all the same, and finished before anything else.
    writeFileSync(journal, JSON.stringify({ ...step, done: [{ path: "a", failed: "cut off", open: true }] }));
    expect((await said(desk, ["undo"], { cwd: folder }))[0]).toBe(0);
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  /** Another folder in its place, with the same in it, as from a backup; gives back how to put the first one back. */
  function replaced(folder: string): () => void {
    renameSync(folder, `${folder}-away`);
    execFileSync("cp", ["-a", `${folder}-away`, folder]);
    return () => {
      renameSync(folder, `${folder}-backup`);
      renameSync(`${folder}-away`, folder);
    };
  }

  test("a step is not taken back in another folder that stands in its place; put back, it is", async () => {
    const { folder } = fill("replaced", { a: 1, b: 1 });
    const name = await changed(desk, folder, "rm a; echo n >new");
    await said(desk, ["apply", name]);
    const putBack = replaced(folder);
    const [code, stdout, why] = await said(desk, ["undo", name]);
    expect([code, stdout]).toEqual([125, ""]);
    expect(why).toContain("another folder stands there than the one that the step changed");
    expect(why).toContain(
      `remedy: Put that folder back in its place; or, when this one came in its stead for good`,
    );
    expect(readdirSync(folder)).toEqual(["b", "new"]);
    putBack();
    expect((await said(desk, ["undo", name]))[0]).toBe(0);
    expect(readdirSync(folder)).toEqual(["a", "b"]);
  });

  test("a step that was cut off is not finished in another folder either, and the way on works", async () => {
    const { folder } = fill("cut", { a: 1 });
    const name = await changed(desk, folder, "rm a");
    await said(desk, ["apply", name]);
    const steps = path.join(desk.state, "sessions", name, "steps");
    const journal = path.join(steps, "1/journal.json");
    const { done: _done, ...step } = JSON.parse(readFileSync(journal, "utf8"));
    writeFileSync(journal, JSON.stringify({ ...step, state: "staged" }));
    const putBack = replaced(folder);
    const [code, , why] = await said(desk, ["diff", name]);
    expect([code, why]).toEqual([125, expect.stringContaining("Cannot finish step 1 of")]);
    expect(why).toContain(`move "${path.join(steps, "1")}" away`);
    putBack();
    expect((await said(desk, ["diff", name]))[2]).toContain(
      "had been interrupted and is finished now: 1 path",
    );
  });

  test("a journal that does not say which folder it was is read as before", async () => {
    const { folder } = fill("former", { a: 1 });
    const name = await changed(desk, folder, "rm a");
    await said(desk, ["apply", name]);
    const journal = path.join(desk.state, "sessions", name, "steps/1/journal.json");
    const { folderIs, ...step } = JSON.parse(readFileSync(journal, "utf8"));
    const { dev, ino } = statSync(folder);
    expect(folderIs).toMatchObject({ device: `${dev}`, inode: `${ino}` });
    writeFileSync(journal, JSON.stringify(step));
    expect((await said(desk, ["undo", name]))[0]).toBe(0);
    expect(readdirSync(folder)).toEqual(["a"]);
  });
});
