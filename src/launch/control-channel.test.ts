import fc from "fast-check";
import { expect, test } from "vitest";
import { ControlReader } from "./control-channel.ts";

function read(...pieces: readonly string[]) {
  const reader = new ControlReader();
  for (const piece of pieces) reader.push(piece);
  return reader.record;
}

const none = { ready: false, complaints: [] };

/** What the shell says of a command that was killed, from the start to the end. */
const whole = [
  "bwrap: something odd",
  "r",
  "[1]      3 Running                 http < /dev/null > /dev/null 2>&1 3>&- 8>&- &",
  '[3]+     5 Killed                  ( trap - EXIT CHLD; exec -- "$@" ) 0<&0',
  "x 137",
  "0m0.010s 0m0.020s",
  "1m0.500s 0m0.005s",
  "",
].join("\n");
const wholeRecord = {
  ready: true,
  signal: "SIGKILL",
  exitCode: 137,
  cpuMs: 60_535,
  complaints: ["bwrap: something odd"],
};

test("ControlReader reads what the shell says of a command, to the end", () => {
  expect(read("")).toEqual(none);
  expect(read(whole)).toEqual(wholeRecord);
});

test("ControlReader does not care where the text is split", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
      const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end));
      expect(read(...pieces)).toEqual(wholeRecord);
    }),
  );
});

test("ControlReader takes a line only when it is whole", () => {
  const reader = new ControlReader();
  expect(reader.push("r")).toEqual(none);
  expect(reader.push("\nx 1")).toEqual({ ...none, ready: true });
  expect(reader.push("2\n")).toEqual({ ...none, ready: true, exitCode: 12 });
});

test.each([
  ["n 125", 125],
  ["n 126", 126],
  ["n 127", 127],
])("ControlReader reads %j as a command that was not started", (line, notStarted) => {
  expect(read(`${line}\n`)).toEqual({ ...none, notStarted });
});

const lookalikes = [
  ...["r ", " r", "R", "rr", "r\r", "ready", "n 124", "n 128", "n", "n 127 ", "x", "x -1", "x 1x", "x 0x1"],
  ...["x  1", "X 1", "1m2s", "0m0.1s 0m0.1s x", "5 Killed", "  5 Killed", "[3]+ Killed", "{}", "\u0000"],
];

test.each(lookalikes)("ControlReader takes %j for a complaint, and for nothing else", (line) => {
  expect(read(`${line}\n`)).toEqual({ ...none, complaints: [line] });
});

test("ControlReader is ready, and knows how a command ended, by those very lines alone", () => {
  const known = /^(r|n 12[567]|x \d+|\d+m[\d.]+s \d+m[\d.]+s|\[\d+\][+-]?\s+\d+ .+)$/;
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const record = read(`${text}\n`);
      const lines = text.split("\n");
      fc.pre(!lines.some((line) => known.test(line)));
      expect(record).toEqual({ ready: false, complaints: expect.any(Array) });
    }),
  );
});

test("ControlReader reads a signal only from the command's own job", () => {
  const job = (line: string) => read(`r\n${line}\n`).signal;
  expect([
    job('[3]+     5 Terminated              ( exec -- "$@" ) 0<&0'),
    job('[3]      5 Segmentation fault      (core dumped) ( exec -- "$@" ) 0<&0'),
    job("[1]-     3 Killed                  http < /dev/null"),
    job('[3]+     5 Exit 143                ( exec -- "$@" ) 0<&0'),
    job('[3]+     5 Running                 ( exec -- "$@" ) 0<&0 &'),
    job('[3]+     5 constructor             ( exec -- "$@" ) 0<&0'),
  ]).toEqual(["SIGTERM", "SIGSEGV", undefined, undefined, undefined, undefined]);
});

test("ControlReader drops bash's own notices once the command may run, and keeps them before", () => {
  const notice = 'workcell: line 23:     5 Killed                  ( exec -- "$@" )';
  expect(read(`r\n${notice}\n`).complaints).toEqual([]);
  expect(read(`${notice}\nr\n`).complaints).toEqual([notice]);
});

test("ControlReader keeps no more than a little of what is too long or too much", () => {
  const long = read("a".repeat(100_000), `${"b".repeat(100_000)}\nr\n`);
  expect(long.ready).toBe(true);
  expect(long.complaints.map((line) => line.length)).toEqual([4096]);
  const many = read(Array.from({ length: 1000 }, (_, index) => `complaint ${index}\n`).join(""));
  expect(many.complaints.length).toBeLessThan(30);
  expect(many.complaints.at(-1)).toBe("complaint 999");
});
