import { describe, expect, test } from "vitest";
import { type Attempt, attemptScript, readResults } from "../helpers/attempts.ts";
import { lacking, type Person, people, useHouse } from "../helpers/cell.ts";

const absent = lacking({ programs: ["script"] });
const house = useHouse();

const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const ioctl = { x64: 16, arm64: 29 }[process.arch as "x64" | "arm64"];
/** EPERM. */
const refused = 1;

/** Tries one request on the terminal that is descriptor 3, and prints the errno, 0 for none. */
const errnoOf = (request: number) => `perl -e '
  open(T, "+<&=", 3); my $byte = "x"; print "errno=", ioctl(T, ${request}, $byte) ? 0 : $!+0'`;
const readErrno = (output: string) => Number(/errno=(\d+)/.exec(output)?.[1]);

const types = (request: string) =>
  `perl -e 'my $byte = "x"; exit(syscall(${ioctl}, 3, ${request}, $byte) == 0 ? 0 : 1)'`;

const noInjection = "dev.tty.legacy_tiocsti is 0: the kernel refuses it to all but the host's root";

const attempts: readonly Attempt[] = [
  { name: "type into the terminal (TIOCSTI)", act: types(`${TIOCSTI}`), maybeVacuous: noInjection },
  {
    name: "type into the terminal, with a request that is wider than the kernel looks",
    act: types(`0x1${TIOCSTI.toString(16).padStart(8, "0")}`),
    maybeVacuous: noInjection,
  },
  { name: "open the controlling terminal", act: ": </dev/tty" },
  {
    name: "take the foreground",
    act: "perl -MPOSIX -e '$SIG{TTOU} = \"IGNORE\"; exit(POSIX::tcsetpgrp(3, getpgrp()) ? 0 : 1)'",
  },
  {
    name: "be of the terminal's session",
    act: '[ "$(perl -e \'open(S, "/proc/self/stat"); $_ = <S>; s/.*\\) //; print((split)[4])\')" != 0 ]',
  },
  {
    // TIOCSCTTY; 1 means: take it from whoever has it.
    name: "steal the terminal for a session of its own",
    act: "perl -MPOSIX -e 'fork and do { wait; exit($? ? 1 : 0) }; POSIX::setsid(); open(T, \"+<&=\", 3); exit(ioctl(T, 0x540e, 1) ? 0 : 1)'",
    rootOnly: true,
  },
];

/** Runs words of sh at a terminal of its own. Nothing in them may need quoting by `script`. */
async function atTerminal(person: Person, words: readonly string[]): Promise<string> {
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const { stdout } = await house.outside(person, ["script", "-qec", quoted, "/dev/null"]);
  return stdout;
}

describe.skipIf(absent.length > 0).each(people)("P9: the terminal of $name", (person) => {
  test.for(attempts)(
    "$name: refused in a cell, control: goes through without one",
    async (attempt, context) => {
      const command = ["bash", "-c", attemptScript([attempt])];
      const inside = readResults(await atTerminal(person, house.runWords(person, [], command)));
      expect(inside).toEqual({ [attempt.name]: "refused" });
      const outside = readResults(await atTerminal(person, command));
      const why =
        attempt.rootOnly && !person.isRoot ? "only root can do this without a cell" : attempt.maybeVacuous;
      if (outside[attempt.name] === "refused" && why !== undefined) context.skip(`vacuous here: ${why}`);
      expect(outside).toEqual({ [attempt.name]: "went through" });
    },
  );

  test("the cell's command does have the terminal as its stdin: it is not refused for want of one", async () => {
    const command = ["bash", "-c", "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo a terminal"];
    expect(await atTerminal(person, house.runWords(person, [], command))).toContain("a terminal");
  });

  test("TIOCLINUX is refused before the terminal is asked, which knows no such request", async () => {
    const command = ["bash", "-c", `exec 3<&0; ${errnoOf(TIOCLINUX)}`];
    expect(readErrno(await atTerminal(person, house.runWords(person, [], command)))).toBe(refused);
    // A real console would take it: only that it is another's answer can be seen at a pseudo-terminal.
    expect(readErrno(await atTerminal(person, command))).toSatisfy((errno) => errno > refused);
  });
});
