import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changed, said } from "../helpers/reviewed.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";
import { snapshot } from "../helpers/tree.ts";

describe.each(people)("sessions with changes as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const read = (folder: string, name: string) => readFileSync(path.join(folder, name), "utf8");
  const recordsOf = (session: string) => path.join(desk.state, "sessions", session);

  function fill(name: string): string {
    const folder = desk.folder(name);
    for (const file of ["a", "b"]) desk.file(`${name}/${file}`, `${file}\n`);
    return folder;
  }

  /** A session's row, its columns parted by "|". */
  async function row(session: string): Promise<string> {
    const [, stdout] = await said(desk, ["session", "list", "--all"]);
    const line = stdout.split("\n").find((one) => one.startsWith(`${session} `)) ?? "";
    return line.replaceAll(/ {2,}/g, "|");
  }

  /** As a Workcell leaves a step that was killed when it had changed the folder, and not yet said so. */
  function interrupt(session: string, folder: string, file: string): void {
    const journal = path.join(recordsOf(session), "steps/1/journal.json");
    const { done: _done, ...step } = JSON.parse(readFileSync(journal, "utf8"));
    const { dev, ino } = statSync(path.join(folder, file), { bigint: true });
    const staged = { [file]: { device: String(dev), inode: String(ino) } };
    writeFileSync(journal, JSON.stringify({ ...step, state: "staged", staged }));
  }

  test("list, show and rm say what there is: changes, steps with what they keep, sizes, folders", async () => {
    const folder = fill("listed");
    const name = await changed(desk, folder, "echo x >>a; rm b");
    expect(await row(name)).toMatch(
      new RegExp(`^${name}\\|waiting\\|\\d+ s ago\\|2\\|[\\d.]+ kB\\|${folder}$`),
    );
    await said(desk, ["apply", name, "b"]);
    const [, stdout] = await said(desk, ["session", "show", name]);
    expect(stdout).toMatch(/^SESSION +STATE +USED +CHANGES +STEPS +SIZE +FOLDER\n/);
    expect(stdout.replaceAll(/ {2,}/g, "|")).toMatch(/\|waiting\|\d+ s ago\|1\|1 \([\d.]+ k?B?.*\)\|/);
    expect(stdout).toContain(`workcell diff ${name}\n  to see its steps: workcell undo ${name} --list\n`);
    const json = JSON.parse((await said(desk, ["session", "list", "--json"]))[1]);
    expect(json).toMatchObject({ schema: "workcell.sessions/1" });
    expect(json.sessions.find((one: { name: string }) => one.name === name)).toMatchObject({
      ...{ state: "waiting", changes: 1, steps: 1, folders: [folder] },
      ...{ stepBytes: expect.any(Number), bytes: expect.any(Number) },
    });
    const [code, , why] = await said(desk, ["session", "rm", name]);
    expect([code, why]).toEqual([125, expect.stringContaining("1 change waits in it")]);
    expect(await said(desk, ["session", "rm", name, "--force"])).toEqual([
      ...[0, `Removed session ${name}, and what 1 step kept for undo\n`, ""],
    ]);
    expect(readdirSync(path.join(desk.state, "sessions"))).not.toContain(name);
    for (const words of [["rm"], ["show", "no-such-one"], ["show", "a", "b"], ["dance"], ["rm", "../.."]])
      expect((await said(desk, ["session", ...words]))[0]).toBe(125);
  });

  test("while a cell of it runs nothing is applied, undone or removed; stop ends it", async () => {
    const folder = fill("living");
    const run = desk.start([
      "run",
      "--session",
      "living",
      "-m",
      folder,
      "sh",
      "-c",
      "echo x >>a; echo up; read y; echo z",
    ]);
    await run.said("up");
    for (const words of [["diff"], ["apply"], ["discard"], ["session", "rm"]]) {
      const [code, , why] = await said(desk, [...words, "living", ...(words.length > 1 ? ["--force"] : [])]);
      expect([words, code, why]).toEqual([words, 125, expect.stringContaining("a cell of it runs")]);
      expect(why).toContain("workcell session stop living");
    }
    expect(await row("living")).toContain("|running|");
    expect(await said(desk, ["session", "stop", "living"])).toEqual([
      0,
      "Ended 1 command of session living\n",
      "",
    ]);
    expect((await run.ended).stdout).toBe("up\n");
    expect(await said(desk, ["session", "stop", "living"])).toEqual([
      0,
      "No cell of session living runs\n",
      "",
    ]);
    expect((await said(desk, ["apply", "living"]))[0]).toBe(0);
    expect(read(folder, "a")).toBe("a\nx\n");
  });

  test("a command that will not end is ended by stop all the same", async () => {
    const script = "trap '' TERM INT; echo up; while :; do sleep 0.1; done";
    const run = desk.start(["run", "--session", "stubborn", "sh", "-c", script]);
    await run.said("up");
    expect((await said(desk, ["session", "stop", "stubborn"]))[0]).toBe(0);
    expect((await run.ended).code).toBe(130);
  });

  test("several that wait on one folder are named, after a run and by diff", async () => {
    const folder = fill("several");
    const first = await changed(desk, folder, "echo 1 >one");
    const second = await desk.run(["-m", folder, "sh", "-c", "echo 2 >two"]);
    expect(second.stderr).toMatch(
      new RegExp(
        `^workcell: 1 change waits in session \\S+: workcell diff, workcell apply\nworkcell: older changes of this folder, which this run did not see, wait in ${first} \\(\\d+ s ago\\): workcell diff ${first}\n$`,
      ),
    );
    const [, stdout, stderr] = await said(desk, ["diff", "--stat"], { cwd: folder });
    expect([stdout, stderr]).toEqual([
      expect.stringContaining(" two |"),
      expect.stringMatching(
        new RegExp(`^workcell: changes of this folder wait in ${first}, too \\(\\d+ s ago\\)\n$`),
      ),
    ]);
  });

  test("in a folder of its own another one's changes are not meant, and named", async () => {
    const [one, two] = [fill("own"), fill("others")];
    const first = await changed(desk, one, "echo 1 >one");
    await said(desk, ["apply", first]);
    const second = await changed(desk, two, "echo 2 >two");
    for (const command of ["apply", "discard", "diff"]) {
      const [code, stdout, stderr] = await said(desk, [command], { cwd: one });
      expect([code, stdout]).toEqual([0, ""]);
      expect(stderr).toContain(`workcell: changes of ${two} wait in ${second}: workcell diff ${second}\n`);
    }
    // From elsewhere it is the newest.
    expect((await said(desk, ["apply"], { cwd: "/" }))[1]).toContain(`to ${two} (step 1)`);
  });

  test("a project elsewhere is changed by its session's name alone; from a folder above, by none", async () => {
    const folder = fill("above/project");
    const aside = desk.folder("aside");
    const name = await changed(desk, folder, "echo x >>a");
    const before = snapshot(folder);
    for (const verb of ["apply", "discard"]) {
      const [code, stdout, stderr] = await said(desk, [verb], { cwd: aside });
      expect([verb, code, stdout]).toEqual([verb, 0, ""]);
      expect(stderr).toContain("workcell: no changes wait here\n");
      expect(stderr).toContain(`workcell: changes of ${folder} wait in ${name}: workcell diff ${name}\n`);
    }
    expect(snapshot(folder)).toEqual(before);
    // What is only shown, and what is named by a path, is found from anywhere.
    expect((await said(desk, ["diff", "--stat", name], { cwd: aside }))[0]).toBe(0);
    expect((await said(desk, ["apply"], { cwd: path.dirname(folder) }))[1]).toContain("Applied 1 change");
    const applied = snapshot(folder);
    for (const words of [["undo"], ["undo", "--step", "1"]]) {
      const [code, , stderr] = await said(desk, words, { cwd: aside });
      expect([words, code]).toEqual([words, 125]);
      expect(stderr).toContain("workcell session list");
    }
    expect(snapshot(folder)).toEqual(applied);
    expect((await said(desk, ["undo", `${folder}/a`], { cwd: aside }))[0]).toBe(0);
    expect(read(folder, "a")).toBe("a\n");
  });

  test("a session's name that is a path too is neither, until it is said which", async () => {
    const folder = fill("names");
    const run = ["--session", "docs", "-m", folder, "sh", "-c"];
    await desk.run([...run, "mkdir docs; echo d >docs/d; echo x >>a"]);
    for (const command of ["diff", "apply", "discard"]) {
      const [code, stdout, why] = await said(desk, [command, "docs"], { cwd: folder });
      expect([code, stdout, why]).toEqual([
        125,
        "",
        expect.stringContaining("./docs for the path, or --session docs"),
      ]);
    }
    expect((await said(desk, ["discard", "./docs"], { cwd: folder }))[0]).toBe(0);
    expect((await said(desk, ["apply", "--session", "docs"], { cwd: folder }))[0]).toBe(0);
    expect([read(folder, "a"), readdirSync(folder)]).toEqual(["a\nx\n", ["a", "b"]]);
  });

  test.each(["diff", "apply", "discard", "undo"])(
    "%s finishes what was interrupted, and says it",
    async (command) => {
      const folder = fill(`cut-${command}`);
      const name = await changed(desk, folder, "echo new >new");
      await said(desk, ["apply", name]);
      interrupt(name, folder, "new");
      expect(await row(name)).toContain("|waiting|");
      const [refused, , why] = await said(desk, ["session", "rm", name]);
      expect([refused, why]).toEqual([125, expect.stringContaining("step 1 of it was interrupted")]);
      const [code, , stderr] = await said(desk, [command, name]);
      expect([code, stderr]).toEqual([
        ...[
          0,
          expect.stringContaining(
            `workcell: step 1 (apply) in ${folder} had been interrupted and is finished now: 1 path\n`,
          ),
        ],
      ]);
      expect(readdirSync(folder)).toEqual(command === "undo" ? ["a", "b"] : ["a", "b", "new"]);
    },
  );

  test("a folder that is gone, or another by now: said, the other folder goes on, discard gives it up", async () => {
    const [one, two] = [fill("gone"), fill("stays")];
    const act = async () => {
      const ended = await desk.run(["-m", one, "-m", two, "sh", "-c", `echo x >>a; echo x >>${two}/a`]);
      return /session (\S+):/.exec(ended.stderr)?.[1] ?? "";
    };
    const first = await act();
    renameSync(one, `${one}-away`);
    const [code, stdout, why] = await said(desk, ["apply", first]);
    expect([code, stdout]).toEqual([125, expect.stringContaining(`Applied 1 change to ${two}`)]);
    expect(why).toContain(`"${one}": the folder is gone`);
    expect(why).toContain(
      `remedy: Put it back where it was, or give the changes up: workcell discard ${first}`,
    );
    // Put back, it goes on.
    renameSync(`${one}-away`, one);
    expect((await said(desk, ["apply", first]))[0]).toBe(0);
    expect(read(one, "a")).toBe("a\nx\n");
    const second = await act();
    renameSync(one, `${one}-away`);
    fill("gone");
    const before = snapshot(one);
    expect((await said(desk, ["apply", second, one]))[2]).toContain("another folder stands there");
    expect(await said(desk, ["discard", second])).toEqual([
      ...[
        0,
        expect.stringContaining(`Discarded the changes of ${one}, which is gone, in session ${second}\n`),
        "",
      ],
    ]);
    expect(snapshot(one)).toEqual(before);
    expect((await said(desk, ["diff", second]))[1]).toBe("");
  });

  test("a step that was interrupted is finished before a cell of its session sees the layer", async () => {
    const folder = fill("halfway");
    const name = "goes-on";
    const run = (script: string) =>
      desk.run(["--session", name, "-m", folder, "sh", "-c", script], { cwd: folder });
    expect((await run("echo x >>a")).code).toBe(0);
    await said(desk, ["apply", name]);
    interrupt(name, folder, "a");
    const listed = async () => (await said(desk, ["undo", name, "--list"]))[1];
    expect(await listed()).toContain("(interrupted)");
    const again = await run("cat a");
    expect([again.code, again.stdout]).toEqual([0, "a\nx\n"]);
    expect(again.stderr).toContain(`step 1 (apply) in ${folder} had been interrupted and is finished now`);
    expect(await listed()).not.toContain("(interrupted)");
    expect(read(folder, "a")).toBe("a\nx\n");
  });

  test("a damaged record is said of its own session, and hinders no other", async () => {
    const folder = fill("damaged");
    const [bad, good] = [
      await changed(desk, folder, "echo 1 >one"),
      await changed(desk, folder, "echo 2 >two"),
    ];
    writeFileSync(path.join(recordsOf(bad), "layers/1/layer.json"), "{");
    expect((await said(desk, ["diff", "--stat"], { cwd: folder }))[1]).toContain(" two |");
    expect(await row(bad)).toContain("|damaged|");
    const [code, , why] = await said(desk, ["session", "show", bad]);
    expect([code, why]).toEqual([125, expect.stringContaining("layer.json")]);
    expect((await said(desk, ["apply", bad]))[0]).toBe(125);
    expect((await said(desk, ["apply", good]))[0]).toBe(0);
    expect((await said(desk, ["session", "rm", bad]))[0]).toBe(125);
    expect(readdirSync(path.join(recordsOf(bad), "layers/1/upper"))).toEqual(["one"]);
  });

  test("discard --all --older-than and gc take what is old, and ask nobody without a terminal", async () => {
    const folder = fill("old");
    const age = (session: string) => {
      for (const part of ["", "cells", "layers", "steps"]) {
        const place = path.join(recordsOf(session), part);
        if (statSync(place, { throwIfNoEntry: false }) !== undefined)
          utimesSync(place, 1, Date.now() / 1000 - 864_000);
      }
    };
    const [old, fresh] = [
      await changed(desk, folder, "echo 1 >one"),
      await changed(desk, folder, "echo 2 >two"),
    ];
    age(old);
    const [code, stdout] = await said(desk, ["discard", "--all", "--older-than", "7d"]);
    expect([code, stdout]).toEqual([0, `Discarded 1 change of ${folder} in session ${old}\n`]);
    await said(desk, ["apply", fresh]);
    const [, kept] = await said(desk, ["session", "gc"]);
    expect(kept).toBe("Nothing to forget: nothing that has ended is older than 30d\n");
    age(fresh);
    expect((await said(desk, ["session", "gc", "--older-than", "7d"]))[1]).toMatch(/^Forgot [12] sessions? /);
    expect((await said(desk, ["undo", fresh]))[0]).toBe(125);
    expect(read(folder, "two")).toBe("2\n");
    for (const words of [
      ["discard", "--older-than", "7d"],
      ["discard", "--all", "x"],
      ["discard", "--all", "--older-than", "7"],
    ])
      expect((await said(desk, words))[0]).toBe(125);
  });

  test("on a terminal: colour, the person's pager, and a question before what cannot be undone", async () => {
    const folder = fill("terminal");
    const name = await changed(desk, folder, "echo x >>a");
    const show = async (words: readonly string[], env: Record<string, string>) =>
      (await desk.startOnTerminal(words, { env }).ended).stdout;
    const paged = await show(["diff", name], { PAGER: "sed s/^/paged:/", TERM: "xterm" });
    expect(paged).toContain(`paged:\x1b[1msession ${name}`);
    expect(paged).toContain("paged:\x1b[32m+x\x1b[0m");
    expect(await show(["diff", name], { PAGER: "sed s/^/paged:/", NO_COLOR: "1" })).not.toContain("\x1b");
    const lost = await show(["diff", name], { PAGER: "no-such-pager -R" });
    expect([lost.includes('the pager "no-such-pager -R" (PAGER) is not there'), lost.includes("+x")]).toEqual(
      [true, true],
    );
    // The control: into a pipe neither.
    expect((await said(desk, ["diff", name], { env: { PAGER: "sed s/^/paged:/" } }))[1]).not.toMatch(
      /paged:|\x1b/,
    );
    for (const [answer, code] of [
      ["n", 1],
      ["y", 0],
    ] as const) {
      const run = desk.startOnTerminal(["discard", name]);
      await run.said(`Discard all changes of session ${name} (${folder})? It cannot be undone. [y/N]`);
      run.child.stdin?.write(`${answer}\n`);
      expect((await run.ended).code).toBe(code);
    }
    expect((await said(desk, ["diff", name]))[1]).toBe("");
  });

  test("with no session at all each command says what to do", async () => {
    mkdirSync(path.join(desk.home, "none"), { recursive: true });
    const env = { XDG_STATE_HOME: path.join(desk.home, "none") };
    for (const command of ["diff", "apply", "discard"])
      expect(await said(desk, [command], { env })).toEqual([0, "", "workcell: no changes wait here\n"]);
    expect((await said(desk, ["undo"], { env }))[0]).toBe(125);
    expect((await said(desk, ["undo", "--list"], { env }))[0]).toBe(125);
    expect((await said(desk, ["diff", "--json"], { env }))[1]).toBe(
      '{"schema":"workcell.diff/1","layers":[]}\n',
    );
    expect((await said(desk, ["session", "list"], { env }))[0]).toBe(0);
    expect((await said(desk, ["session", "gc"], { env }))[0]).toBe(0);
  });
});
