import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Attempt, attemptScript, type Result, readResults } from "../helpers/attempts.ts";
import { lacking, type Person, people, useHouse } from "../helpers/cell.ts";
import { makeMark, processesWith, until } from "../helpers/live-cell.ts";

const absent = lacking({});
const house = useHouse();
const fixture = readFileSync(path.resolve(import.meta.dirname, "../fixtures/neighbour.mjs"), "utf8");

/** Somebody with things of their own: in a cell, or on the host as whatever else a person runs. */
interface Neighbour {
  readonly mark: string;
  /** A word of its command line, which stands on nobody else's as it is. */
  readonly word: string;
  /** Key of a System V message queue. */
  readonly key: number;
  readonly port: number;
  /** Its processes, by the host's numbers. */
  readonly pids: readonly number[];
  /** Where its home is, by its own name and by the host's. */
  readonly homes: readonly string[];
  readonly session: string;
  end(): Promise<void>;
}

async function startNeighbour(person: Person, isCell: boolean): Promise<Neighbour> {
  const [mark, word, key] = [makeMark(), makeMark(), 1 + Math.floor(Math.random() * 0x7fff_fffe)];
  const session = `neighbour-${mark.slice(5)}`;
  const node = ["node", "--input-type=module", "-e", fixture, mark, `${key}`, word];
  const [program = "", ...args] = isCell ? house.runWords(person, ["--session", session], node) : node;
  const child = spawn(program, args, { ...house.spawnOptions(person), stdio: ["pipe", "pipe", "inherit"] });
  const port = await portOf(child);
  const sessions = path.join(house.state(person), "sessions", session, "home");
  return {
    ...{ mark, word, key, port, session },
    pids: processesWith(mark).map(({ pid }) => pid),
    homes: isCell ? [`/sessions/${session}`, sessions] : [house.home(person)],
    end: () => endNeighbour(child, { mark, key, isCell }),
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  await until(() => output.includes("\n") || child.exitCode !== null);
  return (JSON.parse(output) as { port: number }).port;
}

async function endNeighbour(
  child: ChildProcess,
  own: { mark: string; key: number; isCell: boolean },
): Promise<void> {
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.stdin?.end();
  await closed;
  if (own.isCell) return;
  for (const place of [
    `/tmp/neighbour-${own.mark}`,
    `/tmp/neighbour-${own.mark}.sock`,
    `/dev/shm/neighbour-${own.mark}`,
  ]) {
    rmSync(place, { force: true });
  }
  const remove = spawn("perl", ["-e", "msgctl(msgget($ARGV[0], 0), 0, 0)", `${own.key}`]);
  await new Promise((resolve) => remove.once("close", resolve));
}

/** The word as a pattern that does not find itself on the command line that it stands on. */
const pattern = (word: string) => `[${word[0]}]${word.slice(1)}`;

const hear = (address: string, mark: string) => `timeout 3 socat -u ${address} - | grep -q ${mark}`;

/** Every way from one to the other. */
function reach({ mark, word, key, port, pids, homes }: Neighbour): readonly Attempt[] {
  const shown = pattern(word);
  return [
    {
      name: "see its processes",
      act: `for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file | grep -q '${shown}' && exit 0; done; exit 1`,
    },
    {
      // A number that stands for a process of one's own says nothing about the other's.
      name: "signal its processes",
      act: `for pid in ${pids.join(" ")}; do
          [ -e /proc/$pid ] && ! tr '\\0' ' ' </proc/$pid/cmdline | grep -q '${shown}' && continue
          kill -0 $pid && exit 0
        done; exit 1`,
    },
    {
      name: "reach its abstract socket",
      act: ["", ",unix-tightsocklen=0"]
        .map((how) => hear(`ABSTRACT-CONNECT:neighbour-${mark}${how}`, mark))
        .join(" || "),
    },
    { name: "reach its socket in /tmp", act: hear(`UNIX-CONNECT:/tmp/neighbour-${mark}.sock`, mark) },
    { name: "reach its loopback port", act: hear(`TCP:127.0.0.1:${port}`, mark) },
    { name: "read its file in /tmp", act: `grep -q ${mark} /tmp/neighbour-${mark}` },
    { name: "read its file in /dev/shm", act: `grep -q ${mark} /dev/shm/neighbour-${mark}` },
    {
      name: "read its file at home",
      act: `cat ${homes.map((home) => `${home}/neighbour-${mark}`).join(" ")} 2>/dev/null | grep -q ${mark}`,
    },
    {
      name: "read its file through a process of its",
      act: `for pid in ${pids.join(" ")}; do grep -q ${mark} /proc/$pid/root/tmp/neighbour-${mark} && exit 0; done; exit 1`,
    },
    { name: "open its message queue", act: `perl -e 'exit(defined msgget(${key}, 0) ? 0 : 1)'` },
  ];
}

const names = reach({
  mark: "m",
  word: "w",
  key: 0,
  port: 0,
  pids: [],
  homes: [],
  session: "",
  end: async () => {},
}).map(({ name }) => name);
const all = (result: Result) => Object.fromEntries(names.map((name) => [name, result]));

describe.skipIf(absent.length > 0).each(people)("P10: neighbours of a cell of $name", (person) => {
  const neighbours: Neighbour[] = [];
  let cell: Neighbour;
  let host: Neighbour;
  beforeAll(async () => {
    for (const isCell of [true, false]) neighbours.push(await startNeighbour(person, isCell));
    [cell, host] = neighbours as [Neighbour, Neighbour];
  });
  afterAll(async () => {
    for (const neighbour of neighbours) await neighbour.end();
  });

  const tryAll = (to: Neighbour) => ["bash", "-c", attemptScript(reach(to))];

  test("a second cell cannot see, signal or reach the first", async () => {
    expect(readResults((await house.inside(person, [], tryAll(cell))).stdout)).toEqual(all("refused"));
  });

  test("nor anything on the host", async () => {
    expect(readResults((await house.inside(person, [], tryAll(host))).stdout)).toEqual(all("refused"));
  });

  test("control: without a cell, one process of the host reaches the other in every way", async () => {
    expect(readResults((await house.outside(person, tryAll(host))).stdout)).toEqual(all("went through"));
  });

  test.skipIf(person.tunnel === "direct")(
    "a second cell cannot use the first one's gate, and the host can",
    async () => {
      const tmp = path.join(house.state(person), "sessions", cell.session, "tmp");
      const ask = [
        "bash",
        "-c",
        `cd ${tmp} || exit; printf 'GET / HTTP/1.1\\r\\n\\r\\n' | timeout 3 socat -t1 - UNIX-CONNECT:$(echo claude-http-*.sock)`,
      ];
      expect((await house.inside(person, [], ask)).stdout).toBe("");
      expect((await house.outside(person, ask)).stdout).toMatch(/^HTTP\/1\.1 4/);
    },
  );

  test("both see what they have in common as their own: name, process numbers, /tmp", async () => {
    const look = ["bash", "-c", "echo own >/tmp/common; hostname; echo $$; ls /tmp | grep -v sock"];
    expect((await house.inside(person, [], look)).stdout).toBe(
      `claude\n${person.tunnel === "socat" ? 5 : 3}\ncommon\n`,
    );
  });

  test.skipIf(!person.isRoot)("root's cells run as users that differ from each other, too", async () => {
    const uidOf = (session: string) =>
      statSync(path.join(house.state(person), "sessions", session, "home")).uid;
    const other = await startNeighbour(person, true);
    neighbours.push(other);
    expect(uidOf(other.session)).not.toBe(uidOf(cell.session));
    expect([uidOf(other.session), uidOf(cell.session)]).not.toContain(0);
  });
});
