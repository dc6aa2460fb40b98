import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startCell } from "../../src/session/index.ts";
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

describe("a start by whoever runs the tests that hangs", () => {
  test("is ended when its time is up, and leaves nothing", async () => {
    using desk = makeDesk(people[0] ?? { name: "nobody" }, place);
    const mark = makeMark();
    const env = { PATH: hangingPath(desk, mark), HOME: desk.home };
    const request = {
      flags: { allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] },
      env,
      cwd: desk.home,
      home: desk.home,
      installation: path.resolve(path.dirname(desk.program), "../dist"),
      command: ["true"],
      stdio: ["ignore", "inherit", "inherit"] as const,
    };
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
    const free = { ...env, PATH: process.env["PATH"] ?? "" };
    const cell = await startCell({ ...request, env: free, startLimitMs: 30_000 });
    expect(await cell.outcome).toMatchObject({ status: "exited", exitCode: 0 });
  });
});
