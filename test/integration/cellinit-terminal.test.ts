import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CellBench, defaultOptions, lacking, starters } from "../helpers/cellinit.ts";

const kinds = ["seal", "init"] as const;
const cases = starters.flatMap((starter) => kinds.map((kind) => ({ starter, kind })));
const [interrupt, suspend] = ["\u0003", "\u001a"];

/** What a person types, each line after what they wait for; the quotes keep the echo from being taken for output. */
const typed = [
  ["<1>", 'tty; ps -o pid=,pgid=,sid=,tpgid= -p $$ | awk \'{ print ($1 == $2 && $2 == $3) "-le" "ads" }\'\r'],
  ["-leads", "sh -c 'echo wai\"\"ting; exec sleep 50'\r"],
  ["waiting", interrupt],
  ["<3>", 'echo co""de=$?; sh -c \'echo ho""lding; exec sleep 50\'\r'],
  ["holding", suspend],
  ["Stopped", 'bg; jobs; kill -9 %1; wait; echo rea""dy; cat; ec""ho after\r'],
  ["ready", "line\r"],
  ["line\r\nline", "\u0004"],
  ["after", "echo err >&2; exit 5\r"],
];

describe.skipIf(lacking("bwrap", "python3").length > 0)("cellinit --terminal", () => {
  let bench: CellBench;
  beforeAll(() => {
    bench = new CellBench();
  });
  afterAll(() => bench[Symbol.dispose]());

  const options = [...defaultOptions.filter((word) => word !== "--stderr-fd" && word !== "6"), "--terminal"];
  const environment = { PS1: "<\\#>", TERM: "dumb" };
  const command = ["bash", "--norc", "--noediting", "-i"];

  test.each(cases)("$kind, started by $starter: a shell has its own terminal and job control", (how) => {
    const run = bench.run({ ...how, options, environment, command, host: { screen: typed } });
    expect(run).toMatchObject({ code: 5, stdout: "", stderr: "", launcher: "" });
    expect(run.said).toBe(how.kind === "seal" ? "TS" : "LTSX");
    for (const seen of [
      "/dev/pts/0\r\n1-leads\r\n",
      "waiting\r\n^C",
      "code=130\r\n",
      "^Z",
      "Stopped",
      "line\r\nline\r\n",
    ])
      expect(run.screen).toContain(seen);
    expect(run.screen).toContain("err\r\n");
    expect(run.screen).not.toContain("no job control");
  });

  test.each(kinds)("%s: the terminal is the controlling one, which a command without it lacks", (kind) => {
    const probe = ["sh", "-c", "echo word > /dev/tty"];
    const run = bench.run({ kind, options, command: probe });
    expect(run).toMatchObject({ code: 0, screen: "word\r\n" });
    const control = bench.run({ kind, command: probe });
    expect(control.code).toBe(2);
    expect(control.stderr).toContain("/dev/tty");
  });

  test.each(kinds)("%s: nothing but the terminal is open in the command", (kind) => {
    const list = "ls /proc/$$/fd; readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2; :";
    const run = bench.run({ kind, options, command: ["dash", "-c", list], host: { stray: true } });
    expect(run.screen).toBe(`0  1  2\r\n${"/dev/pts/0\r\n".repeat(3)}`);
  });

  test("without a /dev/ptmx nothing runs", () => {
    const mark = ["sh", "-c", ": > /tmp/open/marker"];
    const run = bench.run({ options, command: mark, bwrap: ["--tmpfs", "/dev"] });
    expect(run).toMatchObject({ code: 125, marked: false });
    expect(run.messages).toMatchObject([{ say: "F", code: 125, error: 2, step: `open "/dev/ptmx"` }]);
  });
});
