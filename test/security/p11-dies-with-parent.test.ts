import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { lacking, type Person, people, useHouse } from "../helpers/cell.ts";
import { makeMark, processesWith, startCell, until } from "../helpers/live-cell.ts";

const absent = lacking({});
const house = useHouse();

const ROUNDS = process.env["WORKCELL_SOAK"] === "1" ? 100 : 25;
const GRACE_MS = 1000;
/** The death has to go down the line, on a machine that may be busy; a command that has been let go runs for long. */
const SLACK_MS = 250;

/** Kills, and waits until nothing with the mark is alive. */
async function killAndWatch(parent: ChildProcess, mark: string) {
  const closed = new Promise((resolve) => parent.once("exit", resolve));
  const killedAt = Date.now();
  parent.kill("SIGKILL");
  let alive: ReturnType<typeof processesWith> = [];
  const isGone = () => {
    alive = processesWith(mark);
    return alive.length === 0;
  };
  await until(isGone, GRACE_MS);
  await closed;
  return { killedAt, left: alive.map(({ pid, command }) => `${pid} ${command.slice(0, 80)}`) };
}

/** Starts a cell whose command leaves a file and stays. */
function start(person: Person, folder: string, mark: string): ChildProcess {
  const command = ["bash", "-c", `: >${folder}/${mark}; exec sleep 60`];
  const [program = "", ...args] = house.runWords(
    person,
    ["-m", `${folder}:rw`, "-e", `MARK=${mark}`],
    command,
  );
  return spawn(program, args, { ...house.spawnOptions(person), stdio: "ignore" });
}

/** How long a start takes, from the spawn to the command's first act. */
async function measureStart(person: Person, folder: string): Promise<number> {
  const mark = makeMark();
  const begun = performance.now();
  const child = start(person, folder, mark);
  await until(() => timeOf(folder, mark) !== undefined);
  const took = performance.now() - begun;
  await killAndWatch(child, mark);
  return took;
}

const timeOf = (folder: string, name: string) =>
  statSync(path.join(folder, name), { throwIfNoEntry: false })?.mtimeMs;

/** What a start leaves of itself in the state folder until it ends, or is swept. */
function remains(person: Person): readonly string[] {
  const list = (name: string) => {
    const folder = path.join(house.state(person), name);
    return statSync(folder, { throwIfNoEntry: false })
      ? readdirSync(folder).map((entry) => `${name}/${entry}`)
      : [];
  };
  const homes = list("sessions").flatMap((session) =>
    list(session).filter((entry) => /\/(home|tmp)$/.test(entry)),
  );
  // A marker's draft is left when the kill falls between two system calls; a start a minute later takes it away.
  return [...list("running"), ...list("uids"), ...homes].filter(
    (entry) => !path.basename(entry).startsWith("."),
  );
}

describe.skipIf(absent.length > 0).each(people)("P11: a cell of $name ends with its parent", (person) => {
  let made = 0;
  const makeFolder = () => {
    made += 1;
    return house.makeFolder(`folder-${person.uid}-${person.tunnel}-${made}`, person.uid);
  };

  test("killed by SIGKILL while it runs: nothing is alive one second later", async () => {
    // A program that has left its session and ignores what can be ignored goes too.
    await using cell = await startCell(
      house,
      person,
      [],
      "(trap '' HUP TERM INT; setsid sleep 60) & disown; sleep 0.1",
    );
    const before = cell.processes();
    expect(before.filter(({ command }) => command.startsWith("sleep"))).toHaveLength(1);
    expect(before.length).toBeGreaterThanOrEqual(person.tunnel === "socat" ? 8 : 6);
    cell.child.kill("SIGKILL");
    await until(() => cell.processes().length === 0, GRACE_MS);
    expect(cell.processes()).toEqual([]);
  });

  test("control: what is started without a cell outlives its parent", async () => {
    const mark = makeMark();
    const parent = spawn("bash", ["-c", "sleep 60 & wait"], {
      ...house.spawnOptions(person, { env: { MARK: mark } }),
      stdio: "ignore",
    });
    await until(() => processesWith(mark).some(({ command }) => command.startsWith("sleep")));
    const { left } = await killAndWatch(parent, mark);
    expect(left).toHaveLength(1);
    for (const { pid } of processesWith(mark)) process.kill(pid, "SIGKILL");
  });

  test(
    `killed at ${ROUNDS} moments of its start: nothing is alive, and no command ran after it`,
    async () => {
      const folder = makeFolder();
      const startMs = await measureStart(person, folder);
      const wrong: string[] = [];
      let ran = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const mark = makeMark();
        const child = start(person, folder, mark);
        // Spread over the whole start, and at random within each part of it.
        const moment = ((round + Math.random()) / ROUNDS) * startMs * 1.2;
        await wait(moment);
        const { killedAt, left } = await killAndWatch(child, mark);
        const ranAt = timeOf(folder, mark);
        if (ranAt !== undefined) ran += 1;
        if (left.length > 0) wrong.push(`killed after ${moment} ms, alive: ${left.join("; ")}`);
        if (ranAt !== undefined && ranAt > killedAt + SLACK_MS)
          wrong.push(`ran ${ranAt - killedAt} ms after its parent's end`);
      }
      expect(wrong).toEqual([]);
      // Else the moments were not those of a start.
      expect(ran).toBeLessThan(ROUNDS);
    },
    ROUNDS * 3000,
  );

  test("the next start takes away what the killed ones left", async () => {
    expect(remains(person)).not.toEqual([]);
    expect((await house.inside(person, [], ["true"])).status).toBe(0);
    expect(remains(person)).toEqual([]);
  });
});
