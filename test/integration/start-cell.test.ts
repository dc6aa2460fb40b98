import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openStarter, startCell } from "../../src/session/index.ts";
import { type Desk, makeDesk, people, processesWith, until } from "../helpers/run-workcell.ts";

const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
const makeMark = () => `9${Math.floor(Math.random() * 1e9)}`;

/** What a person finds afterwards: sessions, cells that are said to run, uids that are taken. */
const leftBy = (desk: Desk) =>
  ["sessions", "running", "uids"].flatMap((name) => namesIn(path.join(desk.state, name)));

/** Not below /tmp, where root's cells have their mounts made. */
const place = "/var/tmp";

/** PATH with a bubblewrap that says it has begun, leaves an orphan, and never builds a thing. */
function hangingPath(desk: Desk, mark: string): string {
  const script = `#!/bin/sh\necho 'bwrap: it waits' >&2\nsetsid sleep ${mark} &\nexec sleep ${mark}\n`;
  desk.folder(`hangs-${mark}`);
  return `${path.dirname(desk.file(`hangs-${mark}/bwrap`, script, 0o755))}:${process.env["PATH"]}`;
}

describe.each(people)("a start by $name that hangs", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person, place);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("is ended by Ctrl-C, says how far it came, and leaves nothing", async () => {
    const mark = makeMark();
    const PATH = hangingPath(desk, mark);
    const started = desk.start(["run", "true"], { env: { PATH } });
    onTestFinished(() => void started.child.kill("SIGKILL"));
    await until(() => processesWith(mark).length > 1, 5000);
    started.child.kill("SIGINT");
    const ended = await started.ended;
    expect([ended.code, ended.stdout]).toEqual([125, ""]);
    expect(ended.stderr).toMatch(
      /^workcell: Cannot start the cell .*: it was cancelled before it was ready, and bubblewrap had not built it \(bwrap: it waits\) \(WC_LAUNCH\)\n {2}remedy: .*\n$/,
    );
    expect([processesWith(mark), leftBy(desk)]).toEqual([[], []]);
    // The control: with the machine's own bubblewrap the same start works.
    expect((await desk.run(["echo", "here"])).stdout).toBe("here\n");
  });
});

/** Of a program that embeds Workcell. */
const requestOf = (desk: Desk, env: { readonly PATH: string }) => ({
  flags: { allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] },
  env: { ...env, HOME: desk.home },
  cwd: desk.home,
  home: desk.home,
  installation: path.resolve(path.dirname(desk.program), "../dist"),
});

describe("a start by whoever runs the tests that hangs", () => {
  test("is ended when its time is up, and leaves nothing", async () => {
    using desk = makeDesk(people[0] ?? { name: "nobody" }, place);
    const mark = makeMark();
    const asked = { command: ["true"], stdio: ["ignore", "inherit", "inherit"] as const };
    const request = { ...requestOf(desk, { PATH: hangingPath(desk, mark) }), ...asked };
    const begun = performance.now();
    await expect(startCell({ ...request, startLimitMs: 700 })).rejects.toMatchObject({
      code: "WC_LAUNCH",
      message: expect.stringContaining(
        "cell start timed out: it was to be ready within 0.7 s, and bubblewrap had not built it (bwrap: it waits)",
      ),
    });
    // What would end it otherwise is nothing: the test's own time.
    expect(performance.now() - begun).toBeGreaterThan(600);
    expect([processesWith(mark), leftBy(desk)]).toEqual([[], []]);
    const free = requestOf(desk, { PATH: process.env["PATH"] ?? "" });
    const cell = await startCell({ ...free, ...asked, startLimitMs: 30_000 });
    expect(await cell.outcome).toMatchObject({ status: "exited", exitCode: 0 });
  });
});

test("a program that starts a cell may ignore each of its streams; control: a pipe has what was said", async () => {
  using desk = makeDesk({ name: "whoever runs the tests" });
  const request = {
    ...requestOf(desk, { PATH: process.env["PATH"] ?? "" }),
    command: ["sh", "-c", "readlink /proc/self/fd/2; echo said >&2"],
  };
  const piped = await startCell({ ...request, stdio: ["ignore", "ignore", "pipe"] });
  if (piped.stderr === null) throw new TypeError("There is no pipe at the cell's stderr.");
  expect(await text(piped.stderr)).toBe("said\n");
  expect(await piped.outcome).toMatchObject({ status: "exited", exitCode: 0 });

  const ignored = await startCell({ ...request, stdio: ["ignore", "pipe", "ignore"] });
  if (ignored.stdout === null) throw new TypeError("There is no pipe at the cell's stdout.");
  expect(await text(ignored.stdout)).toBe("/dev/null\n");
  expect([ignored.stderr, await ignored.outcome]).toMatchObject([null, { status: "exited", exitCode: 0 }]);
});

describe("a starter of a process that stays", () => {
  test("starts cells one after another and at once, each its own, and leaves nothing when it is closed", async () => {
    using desk = makeDesk(people[0] ?? { name: "nobody" }, place);
    const starter = await openStarter(requestOf(desk, { PATH: process.env["PATH"] ?? "" }));
    const run = async (word: string) => {
      const command = ["sh", "-c", 'touch "$HOME/mine"; ls "$HOME"; echo "$1"', "sh", word];
      const cell = await starter.start({ command, stdio: ["ignore", "pipe", "inherit"] });
      const said = cell.stdout === null ? "" : await text(cell.stdout);
      return [cell.plan.session, said, (await cell.outcome).exitCode] as const;
    };
    const ran = [await run("0"), await run("1"), ...(await Promise.all(["2", "3", "4"].map(run)))];
    expect(ran.map(([, said, code]) => [said, code])).toEqual(ran.map((_, index) => [`mine\n${index}\n`, 0]));
    expect(new Set(ran.map(([session]) => session)).size).toBe(ran.length);
    await until(() => namesIn(path.join(desk.state, "running")).length === 1, 5000);
    await starter.close();
    expect(namesIn(path.join(desk.state, "running"))).toEqual([]);
    expect(namesIn(path.join(desk.state, "sessions")).sort()).toEqual(ran.map(([session]) => session).sort());
  });

  test("keeps nothing ready in which a person's folder would stand, and works there all the same", async () => {
    using desk = makeDesk(people[0] ?? { name: "nobody" }, place);
    const folder = desk.folder("job");
    const request = requestOf(desk, { PATH: process.env["PATH"] ?? "" });
    const starter = await openStarter({ ...request, flags: { ...request.flags, mounts: [folder] } });
    expect(namesIn(path.join(desk.state, "running"))).toEqual([]);
    const command = ["sh", "-c", `echo new > ${folder}/made`];
    const cell = await starter.start({ command, stdio: ["ignore", "inherit", "inherit"] });
    expect(await cell.outcome).toMatchObject({ status: "exited", exitCode: 0 });
    expect(namesIn(folder)).toEqual([]);
    await starter.close();
    expect(namesIn(path.join(desk.state, "running"))).toEqual([]);
  });
});
