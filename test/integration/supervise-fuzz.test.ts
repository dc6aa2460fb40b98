import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileSanitized } from "../helpers/cellhost.ts";
import * as helper from "../helpers/supervised.ts";

/** Root would be given up before anything is read, and the sanitizers' report could not be written. */
const starter = helper.starters.at(-1) ?? { name: "nobody", prefix: [] };

let programs: helper.Programs;
beforeAll(() => {
  programs = helper.buildPrograms();
  const out = path.join(programs.place.path, "cellhost");
  compileSanitized(out, "cellhost");
});
afterAll(() => programs[Symbol.dispose]());

interface Ending {
  readonly code: number | null;
  readonly stderr: string;
  readonly lines: readonly string[];
}

/** Runs cellhost with a plain socket in the place of Node's channel, and writes pieces of bytes to it. */
async function runRaw(steps: readonly string[], pieces: readonly Uint8Array[]): Promise<Ending> {
  const [program = "", ...words] = helper.superviseWords(programs, { starter, around: helper.bare }, steps);
  const env = { PATH: "/usr/bin:/bin", NODE_CHANNEL_FD: "3" };
  const child = spawn(program, words, { cwd: "/", env, stdio: ["ignore", "ignore", "pipe", "pipe"] });
  const channel = child.stdio[3] as Duplex;
  channel.on("error", () => {});
  const said = text(channel);
  const stderr = text(child.stderr as NodeJS.ReadableStream);
  const ended = once(child, "exit") as Promise<[number | null]>;
  for (const piece of pieces) channel.write(piece);
  channel.end();
  const [code] = await ended;
  return { code, stderr: await stderr, lines: (await said).split("\n").filter(Boolean) };
}

function expectSound({ code, stderr, lines }: Ending): void {
  expect(stderr).toBe("");
  expect(code).toBe(0);
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
}

const bytes = (...texts: readonly string[]) => texts.map((line) => Buffer.from(line, "latin1"));
const orders = [
  '"g"\n',
  '"k"\n',
  '"s15"\n',
  '"w24x80"\n',
  '{"cmd":"NODE_HANDLE_ACK"}\n',
  "\n",
  '"\n',
  "\0\n",
];

const piece = fc.oneof(
  fc.constantFrom(...bytes(...orders, '"s99999999999999999999"\n', '"w1x', "x".repeat(5000), '"g"\0x\n')),
  fc.uint8Array({ maxLength: 300 }),
  fc
    .constantFrom(...orders)
    .chain((order) =>
      fc.nat(order.length - 1).map((at) => Buffer.from(`${order.slice(0, at)}9${order.slice(at)}`, "latin1")),
    ),
);

const kinds = ["53", "4c", "54", "46", "58", "67", "45", "00", "ff"];
const shapes = [
  "",
  "05",
  "0500000000",
  "7d0100000000aabb",
  "00000000".repeat(6),
  "ff".repeat(24),
  "aa".repeat(200),
];
const message = fc
  .record({
    kind: fc.constantFrom(...kinds),
    rest: fc.oneof(
      fc.constantFrom(...shapes),
      fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw).toString("hex")),
    ),
    count: fc.constantFrom(0, 1, 2, 3, 253),
  })
  .map(({ kind, rest, count }) => ["send", kind + rest, `${count}`]);
const step = fc.oneof(
  { arbitrary: message, weight: 6 },
  {
    arbitrary: fc.constantFrom(
      ["seal"],
      ["listen"],
      ["terminal"],
      ["ended", "0", "1", "2"],
      ["complain", "ff0a", "3"],
    ),
    weight: 1,
  },
);

describe("cellhost supervise, built with sanitizers", () => {
  test("any bytes from Node end with everything ended", async () => {
    const steps = ["listen", "seal", "wait", "refused", "2", "sleep", "60000"];
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        expectSound(await runRaw(steps, pieces));
      }),
      { numRuns: 100, interruptAfterTimeLimit: 20_000 },
    );
  });

  test("any messages from the cell, before and after go, leave it sound", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 10 }),
        fc.array(message, { maxLength: 10 }),
        async (before, after) => {
          const steps = [...before.flat(), "seal", "wait", ...after.flat(), "status", "0"];
          const cell = helper.supervise(programs, { starter, around: helper.bare }, ...steps);
          // A cell that is not ready has ended: a terminal that it lost hangs it up.
          if ((await cell.until("ready")) !== undefined) cell.send("g");
          const { code } = await cell.ended;
          expectSound({ code, stderr: await cell.stderr, lines: [] });
          expect(cell.all("end")).toHaveLength(1);
          expect(cell.all("ready").length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 100, interruptAfterTimeLimit: 20_000 },
    );
  });
});
