import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** The table of docs/errors.md: each row is to have its case here, and each case its row. */
const documented = [
  ...readFileSync(path.join(import.meta.dirname, "../../docs/errors.md"), "utf8").matchAll(
    /^\| `workcell (\w+(?: \w+)?)` \| (\d+) \|/gm,
  ),
].map(([, command, code]) => `${command} ${code}`);

interface Situation {
  readonly desk: Desk;
  readonly folder: string;
  /** Leaves changes waiting in a session of its own. */
  change(script: string): Promise<void>;
}

type Case = readonly [row: string, what: string, make: (now: Situation) => Promise<readonly string[]>];

const cases: readonly Case[] = [
  ["diff 0", "nothing waits", async () => ["diff"]],
  [
    "diff 0",
    "something waits",
    async ({ change }) => {
      await change("echo 2 >one");
      return ["diff"];
    },
  ],
  ["apply 0", "nothing waits", async () => ["apply"]],
  [
    "apply 0",
    "something is refused beside what is applied",
    async ({ change }) => {
      await change("echo 2 >one; echo 1 >.bashrc");
      return ["apply"];
    },
  ],
  [
    "apply 1",
    "a conflict",
    async ({ change, folder }) => {
      await change("echo 2 >one");
      writeFileSync(path.join(folder, "one"), "mine\n");
      return ["apply"];
    },
  ],
  [
    "apply 1",
    "nothing but what is refused",
    async ({ change }) => {
      await change("echo 1 >.bashrc");
      return ["apply"];
    },
  ],
  ["discard 0", "nothing waits", async () => ["discard"]],
  [
    "discard 0",
    "something waits",
    async ({ change }) => {
      await change("echo 2 >one");
      return ["discard"];
    },
  ],
  [
    "undo 0",
    "it was taken back before",
    async ({ change, desk, folder }) => {
      await change("echo 2 >one");
      for (const word of ["apply", "undo"]) await desk.workcell([word], { cwd: folder });
      return ["undo", "--step", "1"];
    },
  ],
  [
    "undo 0",
    "a step",
    async ({ change, desk, folder }) => {
      await change("echo 2 >one");
      await desk.workcell(["apply"], { cwd: folder });
      return ["undo"];
    },
  ],
  [
    "undo 1",
    "something was changed since",
    async ({ change, desk, folder }) => {
      await change("echo 2 >one; echo 2 >two");
      await desk.workcell(["apply"], { cwd: folder });
      writeFileSync(path.join(folder, "one"), "mine\n");
      return ["undo"];
    },
  ],
  ["policy check 0", "a connected folder", async () => ["policy", "check", "-m", ".", "./one"]],
  ["policy check 1", "no connected folder", async () => ["policy", "check", "./one"]],
];

describe.each(people)("exit codes, as $name", (person) => {
  let desk: Desk;
  let made = 0;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  const situation = async (): Promise<Situation> => {
    made += 1;
    const folder = desk.folder(`exit-${made}`);
    await desk.outside(["sh", "-c", "echo 1 >one"], { cwd: folder });
    const change = async (script: string) => {
      const { code } = await desk.run(["-m", folder, "sh", "-ec", script]);
      expect(code).toBe(0);
    };
    return { desk, folder, change };
  };

  test.each(cases)("%s: %s", async (row, _, make) => {
    const now = await situation();
    const words = await make(now);
    const { code } = await desk.workcell(words, { cwd: now.folder });
    expect(`${row.replace(/ \d+$/, "")} ${code}`).toBe(row);
  });

  test("discard 1: asked on a terminal, and no is the answer", async () => {
    const { folder, change } = await situation();
    await change("echo 2 >one");
    const { child, said, ended } = desk.startOnTerminal(["discard"], { cwd: folder });
    await said("[y/N]");
    child.stdin?.write("n\n");
    expect((await ended).code).toBe(1);
    expect((await desk.workcell(["diff"], { cwd: folder })).stdout).toContain("1 changed");
  });

  test("undo where nothing was applied at all ends with 125, and says so", async () => {
    using alone = makeDesk(person);
    const { code, stderr } = await alone.workcell(["undo"], { cwd: alone.folder("never") });
    expect([code, stderr]).toEqual([
      125,
      expect.stringMatching(/^workcell: Nothing that was applied here .* \(WC_SESSION\)\n {2}remedy: /),
    ]);
  });

  test("what cannot be done ends with 125, its code said to persons and programs", async () => {
    const { folder } = await situation();
    for (const words of [
      ["diff", "--json", "--session", "no-such-one"],
      ["policy", "check", "--json", "a b"],
    ]) {
      const { code, stdout, stderr } = await desk.workcell(words, { cwd: folder });
      const told = JSON.parse(stdout);
      expect([code, Object.keys(told)]).toEqual([125, ["schema", "code", "message", "remedy", "exitCode"]]);
      expect(stderr).toBe(`workcell: ${told.message} (${told.code})\n  remedy: ${told.remedy}\n`);
    }
  });
});

test("docs/errors.md has a row for each, and no other", () => {
  const tried = new Set([...cases.map(([row]) => row), "discard 1"]);
  expect([...tried].sort()).toEqual([...documented].sort());
});
