import fc from "fast-check";
import { expect, test } from "vitest";
import { nothingSaid, readShellLine } from "./shell-lines.ts";

const read = (...lines: readonly string[]) => lines.reduce(readShellLine, nothingSaid);

test("readShellLine() gathers what the shell says of a command, to the end", () => {
  expect(
    read(
      "bwrap: something odd",
      "[1]      3 Running                 http < /dev/null > /dev/null 2>&1 5<&- 6>&- 7<&- &",
      '[3]+     5 Killed                  ( trap - EXIT CHLD; exec -- "$@" ) 0<&0',
      "x 137",
    ),
  ).toEqual({ signal: "SIGKILL", exitCode: 137, complaints: ["bwrap: something odd"] });
});

test("readShellLine() knows that the forwarders did not start", () => {
  expect(read("n 125")).toEqual({ ...nothingSaid, notStarted: 125 });
});

const lookalikes = [
  ...["n 124", "n 126", "n", "n 125 ", "x", "x -1", "x 1x", "x 0x1", "x  1", "X 1", " x 1", "r"],
  ...["5 Killed", "  5 Killed", "[3]+ Killed", "{}", "\u0000"],
];

test.each(lookalikes)("readShellLine() takes %j for a complaint, and for nothing else", (line) => {
  expect(read(line)).toEqual({ complaints: [line] });
});

test("readShellLine() reads a signal only from the command's own job", () => {
  const job = (line: string) => read(line).signal;
  expect([
    job('[3]+     5 Terminated              ( exec -- "$@" ) 0<&0'),
    job('[3]      5 Segmentation fault      (core dumped) ( exec -- "$@" ) 0<&0'),
    job("[1]-     3 Killed                  http < /dev/null"),
    job('[3]+     5 Exit 143                ( exec -- "$@" ) 0<&0'),
    job('[3]+     5 Running                 ( exec -- "$@" ) 0<&0 &'),
    job('[3]+     5 constructor             ( exec -- "$@" ) 0<&0'),
  ]).toEqual(["SIGTERM", "SIGSEGV", undefined, undefined, undefined, undefined]);
});

test("readShellLine() finds no ending in any other text, and keeps only a little of it", () => {
  const known = /^(n 125|x \d+|\[\d+\][+-]?\s+\d+ .+)$/;
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 60 }), (lines) => {
      fc.pre(!lines.some((line) => known.test(line)));
      const { complaints, ...rest } = read(...lines);
      expect([rest, complaints.length <= 20]).toEqual([{}, true]);
    }),
  );
});
