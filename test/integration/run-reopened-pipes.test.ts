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
});
