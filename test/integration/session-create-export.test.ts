import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveMessages } from "../helpers/messages-api.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);

describe.each(people)("workcell session create as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const folderOf = (name: string) => path.join(desk.state, "sessions", name);
  const create = (...words: readonly string[]) => desk.workcell(["session", "create", ...words]);

  test("makes a session that stays and runs nothing; what it is made with counts for its runs", async () => {
    const made = await create("made-first-one", "--memory", "300M", "-m", desk.work, "-e", "PASSED");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toContain("workcell run --session made-first-one CMD");
    expect(namesIn(path.join(folderOf("made-first-one"), "cells"))).toEqual([]);
    expect(namesIn(path.join(desk.state, "running"))).toEqual([]);
    const look = "pwd; head -1 /proc/meminfo; echo $PASSED; echo kept >>~/file; cat ~/file";
    const options = { env: { PASSED: "by the host" }, cwd: "/" };
    const ran = await desk.run(["--session", "made-first-one", "sh", "-c", look], options);
    expect(ran.stdout).toMatch(
      new RegExp(`^${desk.work}\\nMemTotal: +${300 * 1024} kB\\nby the host\\nkept\\n$`),
    );
    const shown = await desk.workcell(["session", "show", "made-first-one"]);
    expect(shown.stdout).toContain(`\n  made with: --mount ${desk.work} --env PASSED --memory 300M\n`);
    // What is given now stands before it.
    const more = await desk.run(["--session", "made-first-one", "--memory", "200M", "sh", "-c", look]);
    expect(more.stdout).toMatch(new RegExp(`MemTotal: +${200 * 1024} kB\\n\\nkept\\nkept\\n$`));
    // The control: another session knows nothing of it.
    const other = await desk.run(["--session", "another-one-here", "sh", "-c", "pwd"]);
    expect(other.stdout).toBe("/sessions/another-one-here\n");
    expect((await create("made-first-one")).stderr).toContain("there is one of that name");
  });

  test.each([
    [["made-bad-one", "-m", "/no/such/folder"], "/no/such/folder"],
    [["made-bad-one", "--memory", "1K"], "1K"],
    [["made-bad-one", "--cpus", "0"], "--cpus"],
    [["made-bad-one", "-e", "TOKEN=hunter2"], "TOKEN"],
    [["Made_Bad"], "Made_Bad"],
    [["../made-bad-one"], "../made-bad-one"],
    [["made-bad-one", "more"], "more"],
    [["made-bad-one", "--session", "other"], "--session"],
    [[], "no name"],
  ])("makes nothing of %j", async (words, named) => {
    const before = namesIn(path.join(desk.state, "sessions"));
    const refused = await create(...words);
    expect(refused).toMatchObject({ code: 125, stdout: "", stderr: expect.stringContaining(named) });
    expect(refused.stderr).not.toContain("hunter2");
    expect(refused.stderr).toMatch(/\n {2}remedy: .+\n$/);
    expect(namesIn(path.join(desk.state, "sessions"))).toEqual(before);
    expect(namesIn(path.join(desk.state, "running"))).toEqual([]);
  });

  test("one that was made is removed like any other", async () => {
    expect((await create("made-to-go")).code).toBe(0);
    expect((await desk.workcell(["session", "rm", "made-to-go"])).code).toBe(0);
    expect(namesIn(folderOf("made-to-go"))).toEqual([]);
    expect((await create("made-to-go", "--json")).stdout).toMatch(
      /^\{"schema":"workcell.session-created\/1"/,
    );
  });
});

describe.each(people)("workcell session export as $name", (person) => {
  let desk: Desk;
  beforeAll(async () => {
    desk = makeDesk(person);
    const begin =
      "mkdir -p ~/.workcell-agent/sessions; echo said >~/.workcell-agent/sessions/a.jsonl; echo x >~/file; ln -s /etc/shadow ~/link";
    await desk.run([
      "--session",
      "written-down-one",
      "sh",
      "-c",
      `${begin}; curl -s http://no.example/; true`,
    ]);
    await desk.run(["--session", "other-one-there", "sh", "-c", "curl -s http://other.example/; true"]);
  });
  afterAll(() => desk[Symbol.dispose]());
  const out = (name: string) => path.join(desk.home, name);
  const write = (...words: readonly string[]) => desk.workcell(["session", "export", ...words]);
  const inTar = async (file: string) => (await desk.outside(["tar", "-tvf", file])).stdout;

  test("writes records, its lines of the audit log and the transcript to a new folder of the person's", async () => {
    const done = await write("written-down-one", out("one"));
    expect(done).toMatchObject({ code: 0, stderr: "" });
    expect(namesIn(out("one"))).toEqual(["audit.jsonl", "cells", "session.json", "transcript.tar"]);
    expect(lstatSync(out("one")).mode & 0o777).toBe(0o700);
    const cells = namesIn(path.join(out("one"), "cells"));
    expect(namesIn(path.join(out("one"), "cells", cells[0] ?? ""))).toContain("plan.json");
    const lines = readFileSync(path.join(out("one"), "audit.jsonl"), "utf8")
      .trim()
      .split("\n");
    expect(new Set(lines.map((line) => JSON.parse(line).session))).toEqual(new Set(["written-down-one"]));
    expect(lines.join()).toContain("no.example");
    expect(await inTar(path.join(out("one"), "transcript.tar"))).toMatch(
      /\.workcell-agent\/sessions\/a\.jsonl/,
    );
  });

  test("what an agent was told, and said, is in it, with whose conversation it is", async () => {
    const api = await serveMessages([{ text: "Plums it is" }]);
    const env = { ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: "sk-a-77c0d3" };
    const words = ["agent", "--session", "talked-to-one", "Remember the plums"];
    expect((await desk.workcell(words, { env, within: 50_000 })).code).toBe(0);
    expect((await write("talked-to-one", out("talk"))).code).toBe(0);
    expect(JSON.parse(readFileSync(path.join(out("talk"), "conversation.json"), "utf8"))).toMatchObject({
      agent: "workcell",
    });
    const said = await desk.outside(["tar", "-xOf", path.join(out("talk"), "transcript.tar")]);
    expect(said.stdout).toMatch(/Remember the plums[\s\S]*Plums it is/);
    expect(said.stdout).not.toContain("sk-a-77c0d3");
  });

  test("the home is in it when it is asked for, links as links", async () => {
    expect((await write("written-down-one", out("two"), "--home")).code).toBe(0);
    const listed = await inTar(path.join(out("two"), "home.tar"));
    expect(listed).toMatch(/\.\/file\n/);
    expect(listed).toMatch(/\.\/link -> \/etc\/shadow\n/);
  });

  test("a session whose cell runs is written down by a further command in it", async () => {
    const first = desk.start([
      "run",
      "--session",
      "live-written-one",
      "sh",
      "-c",
      "echo y >~/late; echo up; read x",
    ]);
    await first.said("up\n");
    const cells = path.join(desk.state, "sessions/live-written-one/cells");
    expect((await write("live-written-one", out("three"), "--home")).code).toBe(0);
    expect(await inTar(path.join(out("three"), "home.tar"))).toMatch(/\.\/late\n/);
    expect(namesIn(cells)).toHaveLength(1);
    first.child.stdin?.end();
    await first.ended;
  });

  test("one that has ended has no home to write", async () => {
    await desk.run(["true"]);
    const listed = JSON.parse((await desk.workcell(["session", "list", "--all", "--json"])).stdout).sessions;
    const ended = listed.find(({ state }: { readonly state: string }) => state === "ended").name;
    const done = await write(ended, out("four"), "--home");
    expect(done).toMatchObject({ code: 0, stderr: expect.stringContaining("its home is gone") });
    expect(namesIn(out("four"))).toEqual(["cells", "session.json"]);
  });

  test("writes over nothing, and leaves nothing half", async () => {
    desk.folder("home/there");
    symlinkSync("/nowhere", out("dangling"));
    for (const name of ["there", "dangling"]) {
      const refused = await write("written-down-one", out(name));
      expect(refused).toMatchObject({
        code: 125,
        stderr: expect.stringContaining("it exists, and must not"),
      });
    }
    expect(namesIn(out("there"))).toEqual([]);
    expect((await write("written-down-one", out("no/such"))).stderr).toContain("ENOENT");
    expect((await write("no-such-session", out("five"))).stderr).toContain("there is no such session");
    expect(existsSync(out("five"))).toBe(false);
    expect((await write("written-down-one")).code).toBe(125);
  });
});
