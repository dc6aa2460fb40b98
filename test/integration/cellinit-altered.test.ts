import { readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

describe.each(people)("workcell run whose cellinit is not what the build made, as $name", (person) => {
  let desk: Desk;
  let cellinit = "";
  beforeAll(() => {
    desk = makeDesk(person);
    cellinit = path.join(path.dirname(desk.program), "../dist/native/cellinit");
  });
  afterAll(() => desk[Symbol.dispose]());

  const refused = (why: string) => ({
    code: 125,
    stdout: "",
    stderr: expect.stringMatching(new RegExp(`cellinit" is .*${why}.*\\n.*npm run build`, "s")),
  });

  test("one byte is another: 125, and the command does not run; control: it runs with the right one", async () => {
    expect(await desk.run(["echo", "ran"])).toMatchObject({ code: 0, stdout: "ran\n" });
    const bytes = readFileSync(cellinit);
    const altered = Buffer.from(bytes);
    // The last byte is in the names of the sections, which nothing that runs looks at.
    altered.writeUInt8((altered.at(-1) ?? 0) ^ 1, altered.length - 1);
    writeFileSync(cellinit, altered);
    expect(await desk.run(["echo", "ran"])).toMatchObject(refused("not what Workcell's build made"));
    writeFileSync(cellinit, bytes);
    expect(await desk.run(["echo", "ran"])).toMatchObject({ code: 0, stdout: "ran\n" });
  });

  test("it is missing: 125, and the command does not run", async () => {
    renameSync(cellinit, `${cellinit}.away`);
    expect(await desk.run(["echo", "ran"])).toMatchObject(refused("it is not there"));
    renameSync(`${cellinit}.away`, cellinit);
  });
});
