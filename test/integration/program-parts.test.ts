import { readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** The files of an installed program, without those of the part that a start runs. */
function partsOf({ program }: Desk, first: "with the first" | "but the first") {
  const dist = path.resolve(path.dirname(program), "../dist");
  const files = readdirSync(dist).filter((name) => /^main-.*\.(js|cache)$/.test(name));
  return files
    .filter((name) => first === "with the first" || !/-0\.\w+$/.test(name))
    .map((name) => path.join(dist, name));
}

describe.each(people)("the program in parts, as $name", (person) => {
  test("a start runs its first part alone; a folder in review takes another", async () => {
    using desk = makeDesk(person);
    for (const file of partsOf(desk, "but the first")) writeFileSync(file, "no program");
    const words = ["--", "sh", "-c", "echo ran; exit 7"];
    expect(await desk.run(words, { cwd: desk.work })).toMatchObject({ code: 7, stdout: "ran\n" });
    // Control: what is in the others is not there.
    const control = await desk.run(["-m", ".", ...words], { cwd: desk.work });
    expect(control).toMatchObject({ stdout: "", stderr: expect.stringContaining("SyntaxError") });
  });

  test("a command ends as ever when another Workcell is installed in the place of its own", async () => {
    using desk = makeDesk(person);
    const started = desk.start(["run", "-m", ".", "--", "sh", "-c", "echo up; read line; echo $line >new"], {
      cwd: desk.work,
    });
    await started.said("up\n");
    for (const file of partsOf(desk, "with the first")) rmSync(file);
    started.child.stdin?.end("late\n");
    expect(await started.ended).toMatchObject({ code: 0, stderr: expect.stringContaining("1 change waits") });
  });
});
