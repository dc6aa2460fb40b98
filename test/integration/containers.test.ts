import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileFixture } from "../helpers/compile-fixture.ts";
import { type Desk, makeDesk, people, startProgram } from "../helpers/run-workcell.ts";

const isRoot = process.getuid?.() === 0;
const fixture = (name: string) => path.resolve(import.meta.dirname, "../fixtures", name);

/** Whether a program can be run so here: what the tests make their containers with. */
function works(words: readonly string[]): boolean {
  const [program = "", ...rest] = words;
  try {
    execFileSync(program, [...rest, "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const mayMakeContainers = isRoot && works(["unshare", "-m", "-p", "-f"]);

describe.each(people)("workcell run in a container, as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  const run = (through: readonly string[], words: readonly string[] = ["echo", "ran"]) =>
    desk.run(words, { cwd: "/", through });
  const doctor = async (through: readonly string[]) =>
    (await desk.workcell(["doctor"], { cwd: "/", through })).stdout;
  const refused = (why: string, remedy: string) => ({
    code: 125,
    stdout: "",
    stderr: expect.stringMatching(new RegExp(`^workcell: .*${why}.*\\n +remedy: .*${remedy}.*\\n$`)),
  });

  test("a filter on Workcell itself that refuses nothing: works", async () => {
    expect(await run([compileFixture("under-filter"), "harmless"])).toMatchObject({
      ...{ code: 0, stdout: "ran\n", stderr: "" },
    });
  });

  test("a filter that refuses namespaces and mounts: 125, and the doctor says the same", async () => {
    const through = [compileFixture("under-filter"), "container"];
    const why = person.uid === undefined && isRoot ? "CAP_SYS_ADMIN, or a filter" : "user namespaces";
    expect(await run(through)).toMatchObject(refused(why, "(ordinary user|seccomp=unconfined)"));
    expect(await doctor(through)).toMatch(/^missing +bubblewrap .*user namespaces/m);
  });

  test("a filter with a listener of somebody else's: 125, and the doctor says the same", async () => {
    const through = [compileFixture("under-filter"), "listening"];
    const why = "watches Workcell's own system calls";
    for (const tunnel of ["socat", "direct"])
      expect(await run(through, ["--tunnel", tunnel, "echo", "ran"])).toMatchObject(
        refused(why, "outside of that program"),
      );
    expect(await doctor(through)).toMatch(new RegExp(`^missing +seccomp .*${why}`, "m"));
  });

  const rootless = ["unshare", "--user", "--map-root-user"];
  test.skipIf(!works(rootless))("root of a user namespace with one uid: 125 with what it has", async () => {
    expect(await run(rootless)).toMatchObject(refused("has the uids 0-0", "--uid-range FIRST-LAST"));
    expect(await doctor(rootless)).toMatch(/^missing +uid range .*cannot become/m);
  });

  /** In new PID and mount namespaces, as this person. */
  const inContainer = (mask: "yes" | "no", words: readonly string[]) => {
    const { uid } = person;
    const become =
      uid === undefined ? [] : ["setpriv", "--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"];
    const made = ["unshare", "-m", "-p", "-f", "sh", fixture("masked-proc.sh"), mask, ...become, ...words];
    const env = { PATH: process.env["PATH"] ?? "", HOME: desk.home };
    return startProgram({ name: "root" }, made, { cwd: "/", env }).ended;
  };
  const workcellRun = (...words: readonly string[]) => [desk.program, "run", "--", ...words];

  describe.skipIf(!mayMakeContainers)("with a /proc of its own", () => {
    test("masked: 125 with the engine's options; control: not masked, it works", async () => {
      expect(await inContainer("yes", workcellRun("echo", "ran"))).toMatchObject(
        refused("/proc is masked, as in a container", "systempaths=unconfined"),
      );
      expect(await inContainer("no", workcellRun("echo", "ran"))).toMatchObject({ code: 0, stdout: "ran\n" });
    });

    test("masked: the doctor says so with the same remedy", async () => {
      const { stdout } = await inContainer("yes", [desk.program, "doctor"]);
      expect(stdout).toMatch(/^missing +bubblewrap .*\/proc is masked/m);
      expect(stdout).toContain("systempaths=unconfined");
    });

    test.each(["end", "kill"])("an entrypoint that reaps nothing: nobody is alive after %s", async (how) => {
      const command = how === "end" ? "echo up; sleep 0.2 &" : "echo up; sleep 1000 & sleep 1000";
      // The checkout may lie where this person cannot go.
      const entrypoint = desk.file("entrypoint.py", readFileSync(fixture("bare-entrypoint.py")));
      const words = ["/usr/bin/python3", entrypoint, how, ...workcellRun("sh", "-c", command)];
      expect(await inContainer("no", words)).toMatchObject({ code: 0, stdout: "up some []\n" });
    });
  });

  const bounded = ["setpriv", "--bounding-set", "-sys_admin"];
  test.skipIf(!isRoot || person.uid !== undefined)(
    "root without CAP_SYS_ADMIN: 125, and the doctor says the same",
    async () => {
      expect(await run(bounded)).toMatchObject(refused("it lacks CAP_SYS_ADMIN", "--cap-add SYS_ADMIN"));
      expect(await doctor(bounded)).toMatch(/^missing +idmapped mounts .*CAP_SYS_ADMIN/m);
    },
  );
});
