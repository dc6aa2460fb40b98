import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** A path to ask about, the folder that it is or lies in, and whether a run connects that. */
type Case = readonly [place: string, folder: string, mayBe: boolean];

describe.each(people)("workcell policy check PATH, as $name", (person) => {
  let desk: Desk;
  let cases: readonly Case[];
  beforeAll(async () => {
    desk = makeDesk(person);
    const make = 'mkdir -p project/sub "it\'s mine" a:b; touch project/file loose';
    expect((await desk.outside(["sh", "-ec", make], { cwd: desk.home })).code).toBe(0);
    // Records are there once something ran.
    await desk.run(["true"]);
    const [home, project] = [desk.home, path.join(desk.home, "project")];
    cases = [
      [project, project, true],
      [path.join(project, "file"), project, true],
      [path.join(project, "sub/new"), path.join(project, "sub"), true],
      [path.join(home, "it's mine"), path.join(home, "it's mine"), true],
      [path.join(home, "a:b"), path.join(home, "a:b"), true],
      [home, home, false],
      [path.join(home, "loose"), home, false],
      [path.join(desk.state, "audit.jsonl"), desk.state, false],
      ["/etc/passwd", "/etc", false],
      ["/", "/", false],
      ["/tmp/none", "/tmp", false],
      ["/proc/version", "/proc", false],
    ];
  });
  afterAll(() => desk[Symbol.dispose]());

  test.each(["read", "write"])("names a folder to %s it exactly where a run connects it", async (access) => {
    const write = access === "write" ? ["--write"] : [];
    for (const [place, folder, mayBe] of cases) {
      const { code, stdout } = await desk.workcell(["policy", "check", ...write, place, "--json"]);
      const remedy: string = JSON.parse(stdout).remedy;
      expect([place, code, remedy.startsWith("workcell run -m ")]).toEqual([place, 1, mayBe]);
      if (mayBe) {
        // Exactly as it is said, by a shell.
        const said = remedy.replace("workcell", `'${desk.program}'`);
        const ended = await desk.outside(["sh", "-c", `${said} test -e "$0"`, folder]);
        expect([place, ended.code, ended.stderr]).toEqual([place, 0, ""]);
      } else {
        const mode = access === "write" ? "rw" : "ro";
        const ended = await desk.run(["-m", `${folder}:${mode}`, "true"]);
        const [, why = "?"] = /, since (.*)$/.exec(remedy) ?? [];
        expect([place, ended.code, ended.stderr]).toEqual([place, 125, expect.stringContaining(why)]);
      }
    }
  });

  test("says what every cell reads of the system, which none writes to; control: what it refuses is not there", async () => {
    const check = async (...words: string[]) => {
      const { code, stdout } = await desk.workcell(["policy", "check", ...words, "--json"]);
      return [code, JSON.parse(stdout).rule];
    };
    for (const place of ["/usr/bin/env", "/etc/ld.so.cache"]) {
      expect([place, ...(await check(place))]).toEqual([place, 0, expect.stringMatching(/^\/\S+ \(ro\): /)]);
      expect([place, ...(await check("--write", place))]).toEqual([
        place,
        1,
        expect.stringContaining("(ro)"),
      ]);
      const ended = await desk.run(["sh", "-c", 'test -r "$0" && ! test -w "$0"', place]);
      expect([place, ended.code]).toEqual([place, 0]);
    }
    expect(await check("/etc/shadow")).toEqual([1, expect.stringContaining("not under 0 connected folders")]);
    expect((await desk.run(["test", "-e", "/etc/shadow"])).code).toBe(1);
  });

  test("says of what is kept back in a folder what a run then does", async () => {
    const make = "mkdir -p kept/.git/hooks kept/secret kept/fixed kept/secret/shown; touch kept/secret/key";
    expect((await desk.outside(["sh", "-ec", make], { cwd: desk.home })).code).toBe(0);
    const folder = path.join(desk.home, "kept");
    const filesystem = {
      denyRead: ["secret"],
      allowRead: ["secret/shown"],
      allowWrite: ["."],
      denyWrite: ["fixed"],
    };
    const rules = JSON.stringify({ network: { allowedDomains: [], deniedDomains: [] }, filesystem });
    expect(
      (await desk.outside(["sh", "-c", 'printf %s "$0" >rules.json', rules], { cwd: desk.home })).code,
    ).toBe(0);
    const [rw, hook] = [["-m", `${folder}:rw`], ".git/hooks/pre-commit"];
    const ruled = ["--settings", path.join(desk.home, "rules.json")];
    const questions = [
      [rw, "write", "plain", true],
      [rw, "write", hook, false],
      [[...rw, "--allow-path", path.join(folder, hook)], "write", hook, true],
      [ruled, "read", "secret/key", false],
      [ruled, "read", "secret/shown", true],
      [ruled, "write", "secret/shown/new", false],
      [ruled, "write", "fixed/new", false],
      [ruled, "write", "new", true],
    ] as const;
    for (const [flags, access, place, may] of questions) {
      const write = access === "write" ? ["--write"] : [];
      const options = { cwd: folder };
      const said = await desk.workcell(["policy", "check", ...flags, ...write, `./${place}`], options);
      const attempt =
        access === "write" ? ["cp", "/dev/null", `${folder}/${place}`] : ["ls", `${folder}/${place}`];
      const tried = await desk.workcell(["run", ...flags, ...attempt], options);
      expect([place, said.code, tried.code === 0]).toEqual([place, may ? 0 : 1, may]);
    }
  });
});
