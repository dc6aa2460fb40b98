import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, everyWay, makeDesk } from "../helpers/run-workcell.ts";

describe.each(everyWay)("pipes of workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  /** In a shell's own pipes: those of a test are sockets, which nobody can open anew. */
  const piped = (line: string) =>
    desk.outside(["bash", "-c", line, "bash", desk.program], { cwd: desk.work });

  test("a command opens /dev/stdin, /dev/stdout and /dev/stderr anew, as it does outside", async () => {
    const script = "cat /dev/stdin >/dev/stdout; echo also >/dev/stderr";
    const inside = await piped(
      `echo said | "$1" run --tunnel ${person.tunnel} -- bash -c '${script}' 2>&1 | cat`,
    );
    const outside = await piped(`echo said | bash -c '${script}' 2>&1 | cat`);
    expect([inside.code, inside.stdout]).toEqual([0, "said\nalso\n"]);
    expect(outside.stdout).toBe(inside.stdout);
  });

  test("a pipe with a name stays whose it is", async () => {
    const fifo = path.join(desk.work, "named");
    const done = await piped(
      `mkfifo ${fifo}; stat -c %u ${fifo} >owner; cat ${fifo} >got & "$1" run --tunnel ${person.tunnel} -- echo through >${fifo}; wait
       stat -c %u ${fifo} | cmp - owner && cat got`,
    );
    expect([done.code, done.stdout]).toEqual([0, "through\n"]);
  });

  test("so it does with files, for what each is open for and no more, and with /dev/null", async () => {
    // Whoever runs Workcell, the cell's own user may read and write all three.
    const prepare = "echo said >in; rm -f out err; touch out err; chmod 666 in out err";
    const script = "cat /dev/stdin >/dev/stdout; echo also >/dev/stderr";
    const backwards = "cat /dev/stdout && echo read; echo written >/dev/stdin && echo wrote";
    const tell = "cat in out err; echo ended";
    const tried = async (start: string) => {
      const line = (command: string, streams: string) => `${start} bash -c '${command}' ${streams};`;
      const forwards = await piped(`${prepare}; ${line(script, "<in >out 2>err")} ${tell}`);
      const back = await piped(`${prepare}; ${line(backwards, "<in >out 2>/dev/null")} ${tell}`);
      const none = await piped(line("cat /dev/stdin >/dev/stdout; echo also", "</dev/null"));
      return [forwards.stdout, back.stdout, none.stdout];
    };
    expect(await tried(`"$1" run --tunnel ${person.tunnel} --`)).toEqual([
      ...["said\nsaid\nalso\nended\n", "said\nended\n", "also\n"],
    ]);
    // Control: without a cell both go backwards, too.
    const [forwards, back, none] = await tried("");
    expect([forwards, none]).toEqual(["said\nsaid\nalso\nended\n", "also\n"]);
    expect(back).toContain("written\n");
  });
});
