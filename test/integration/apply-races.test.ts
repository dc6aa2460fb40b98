import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OpenLayer } from "../../src/changes/index.ts";
import { makePlace, type Place } from "../helpers/cellhost.ts";
import { compileFixtureTo } from "../helpers/compile-fixture.ts";
import { buildCellfiles, type Starter, starters } from "../helpers/file-bench.ts";
import { LayerBench } from "../helpers/layer-bench.ts";
import { isSoak } from "../helpers/run-workcell.ts";

const rounds = isSoak ? 60 : 4;
const fixtures = path.resolve(import.meta.dirname, "../fixtures");
const writer = path.join(fixtures, "host-writer.py");

let place: Place;
let cellfiles = "";
let swap = "";
beforeAll(() => {
  place = makePlace();
  cellfiles = buildCellfiles(place.path);
  swap = path.join(place.path, "swap-places");
  compileFixtureTo(swap, "swap-places");
});
afterAll(() => place[Symbol.dispose]());

const names = Array.from({ length: 30 }, (_, index) => `f${index + 1}`);
const seed = `
  mkdir -p host/d/e outside/e; for i in $(seq 30); do echo "old $i" > host/d/e/f$i; echo "outside $i" > outside/e/f$i; done
  ln -s ../outside host/l; sleep 0.02
`;
const work = `for i in $(seq 20); do echo "new $i" > d/e/f$i; done; for i in $(seq 21 30); do rm d/e/f$i; done
  for i in $(seq 20); do echo "more $i" > d/e/m$i; done; mkdir d/e/made; echo in > d/e/made/in`;

async function prepare(starter: Starter): Promise<LayerBench> {
  const bench = new LayerBench(starter, cellfiles);
  bench.shell(seed);
  bench.baseTimeNs = bench.now();
  bench.inLayer(work);
  return bench;
}

/** Somebody on the host, at work while `during` is. */
async function against<T>(bench: LayerBench, argv: readonly string[], during: () => Promise<T>): Promise<T> {
  const [program = "", ...words] = [...bench.starter.prefix, ...argv];
  const child: ChildProcess = spawn(program, words, {
    cwd: bench.path,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  if (argv.includes(writer))
    await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, "data"), ended]);
  child.stdout?.resume();
  try {
    return await during();
  } finally {
    child.kill("SIGKILL");
    expect(await ended).toEqual([null, "SIGKILL"]);
  }
}

/** The folder and the link are where they were before anybody swapped or moved them. */
const putRight = (bench: LayerBench) =>
  bench.shell(`if [ -e host/d-away ]; then mv host/d-away host/d; fi
    if [ -h host/d ]; then mv host/d host/x; mv host/l host/d; mv host/x host/l; fi`);

const outside = (bench: LayerBench) => bench.shell("cd outside; find . | sort; cat e/*");
const beside = (bench: LayerBench) => bench.shell("find host outside -name '.workcell-*'");
const free = ({ changes }: OpenLayer) => changes.filter(({ conflict }) => conflict === undefined);

/** Each file has one of these contents, at its place or not at all. */
function expectOneOf(bench: LayerBench, contents: (name: string) => readonly string[]): void {
  const said = bench.shell('cd host/d/e; for f in f*; do echo "$f:$(cat $f)"; done');
  for (const line of said.trim().split("\n")) {
    const [name = "", content = ""] = line.split(":");
    expect(contents(name)).toContain(content);
  }
}

const numberOf = (name: string) => name.slice(1);

describe.each(starters)("apply() and undo(), by $name", (starter) => {
  test("the control: a plain copy is led out of the folder by a link in a folder's place", async ({
    skip,
  }) => {
    await using bench = await prepare(starter);
    const before = outside(bench);
    let fooled = false;
    await against(bench, [swap, "host/d", "host/l"], async () => {
      for (let round = 0; round < 300 && !fooled; round++) {
        for (const name of names.slice(0, 20)) {
          const [from, to] = [`layer/upper/d/e/${name}`, `host/d/e/${name}`];
          try {
            cpSync(path.join(bench.path, from), path.join(bench.path, to));
          } catch {
            // Gone for a moment.
          }
        }
        fooled = outside(bench) !== before;
      }
    });
    skip(!fooled, "no copy was led out: what follows proves nothing here");
  });

  test(`${rounds} rounds: who swaps a folder for a link leads neither out of the folder, and nothing is lost`, async () => {
    for (let round = 0; round < rounds; round++) {
      await using bench = await prepare(starter);
      const before = outside(bench);
      let opened = await bench.open();
      await against(bench, [swap, "host/d", "host/l"], () => opened.apply(free(opened)));
      expect(outside(bench)).toBe(before);
      putRight(bench);
      opened = await bench.open();
      expect(beside(bench)).toBe("");
      expectOneOf(bench, (name) => [`old ${numberOf(name)}`, `new ${numberOf(name)}`]);
      // Whose folder was moved and put back has conflicts: decided for the session.
      await opened.apply(opened.changes);
      opened = await bench.open();
      expect(opened.changes).toEqual([]);
      await against(bench, [swap, "host/d", "host/l"], async () => {
        for (const { number } of [...opened.steps].reverse()) await opened.undo(number);
      });
      expect(outside(bench)).toBe(before);
      putRight(bench);
      opened = await bench.open();
      expect(beside(bench)).toBe("");
      for (const { number, kind } of [...opened.steps].reverse())
        if (kind === "apply") expect((await opened.undo(number)).left).toEqual([]);
      expect(bench.shell("ls host/d/e; cat host/d/e/*")).toBe(
        bench.shell(`mkdir again; cd again; ${oldFiles}; ls; cat *`),
      );
    }
  }, 600_000);

  test(`${rounds} rounds: who moves a folder out of the connected one and back loses nothing`, async () => {
    const away = ["/usr/bin/python3", writer, "out", "host/d"];
    const back = (bench: LayerBench) => bench.shell("if [ -e out ]; then mv out host/d; fi");
    for (let round = 0; round < rounds; round++) {
      await using bench = await prepare(starter);
      let opened = await bench.open();
      await against(bench, away, () => opened.apply(free(opened)));
      back(bench);
      opened = await bench.open();
      expect(beside(bench)).toBe("");
      expectOneOf(bench, (name) => [`old ${numberOf(name)}`, `new ${numberOf(name)}`]);
      await opened.apply(opened.changes);
      opened = await bench.open();
      expect(opened.changes).toEqual([]);
      await against(bench, away, async () => {
        for (const { number } of [...opened.steps].reverse()) await opened.undo(number);
      });
      back(bench);
      opened = await bench.open();
      expect(beside(bench)).toBe("");
      for (const { number, kind } of [...opened.steps].reverse())
        if (kind === "apply") expect((await opened.undo(number)).left).toEqual([]);
      expect(bench.shell("ls host/d/e; cat host/d/e/*")).toBe(
        bench.shell(`mkdir again; cd again; ${oldFiles}; ls; cat *`),
      );
    }
  }, 600_000);

  test(`${rounds} rounds: who renames a parent away and back loses nothing`, async () => {
    for (let round = 0; round < rounds; round++) {
      await using bench = await prepare(starter);
      let opened = await bench.open();
      await against(bench, ["/usr/bin/python3", writer, "away", "host/d"], () => opened.apply(free(opened)));
      putRight(bench);
      opened = await bench.open();
      expect(beside(bench)).toBe("");
      expectOneOf(bench, (name) => [`old ${numberOf(name)}`, `new ${numberOf(name)}`]);
      for (const { number } of [...opened.steps].reverse())
        expect((await opened.undo(number)).left).toEqual([]);
      expect(bench.shell("ls host/d/e; cat host/d/e/*")).toBe(
        bench.shell(`mkdir again; cd again; ${oldFiles}; ls; cat *`),
      );
    }
  }, 600_000);

  test.each(["append", "hold", "replace"])(
    `${rounds} rounds: what the host writes meanwhile by %s stands at its place, or is kept`,
    async (way) => {
      for (let round = 0; round < rounds; round++) {
        await using bench = await prepare(starter);
        const opened = await bench.open();
        const written = names.slice(5, 25);
        const result = await against(
          bench,
          ["/usr/bin/python3", writer, way, ...written.map((name) => `host/d/e/${name}`)],
          () => opened.apply(free(opened)),
        );
        bench.shell("rm -f host/d/e/*.new");
        expect(beside(bench)).toBe("");
        const kept = bench.shell("cat $(find steps -type f -not -name journal.json) /dev/null");
        for (const name of written) {
          const content = bench.shell(`cat host/d/e/${name} 2>/dev/null || true`);
          if (way === "replace") {
            expect(content).toMatch(/^$|^(old|new|version f\d+) \d+\n$/);
            continue;
          }
          // What the host wrote last went into one of the two, whichever stood there.
          const all = `${content}${kept}`.split("\n");
          expect(all).toContain(`old ${numberOf(name)}`);
          expect(linesOf(all, name).length).toBe(Math.max(0, ...linesOf(all, name)));
        }
        for (const { path: name } of result.left)
          expect(bench.shell(`cat host/${name} 2>/dev/null || true`)).not.toMatch(/^new/);
      }
    },
    600_000,
  );
});

/** The numbers of the lines that the host wrote. */
const linesOf = (lines: readonly string[], name: string): readonly number[] => {
  const start = `line ${name} `;
  return [
    ...new Set(
      lines.filter((line) => line.startsWith(start)).map((line) => Number(line.slice(start.length))),
    ),
  ];
};

const oldFiles = `for i in $(seq 30); do echo "old $i" > f$i; done`;
