import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folderIdentity } from "../../src/lib/folder-identity.ts";
import { pendingLayers, sessionLayers } from "../../src/session/index.ts";
import { type Desk, everyWay, makeDesk, processesWith } from "../helpers/run-workcell.ts";
import { snapshot } from "../helpers/tree.ts";

const overlays = () => readFileSync("/proc/self/mountinfo", "utf8").match(/ - overlay /g)?.length ?? 0;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something holds, at most 10 s. */
async function until(holds: () => boolean): Promise<boolean> {
  for (let left = 200; left > 0 && !holds(); left -= 1) await sleep(50);
  return holds();
}

describe.each(everyWay)("sessions with folders in review as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const sessionOf = (name: string) => path.join(desk.state, "sessions", name);
  const waits = (name: string, count: string) =>
    `workcell: ${count} in session ${name}: workcell diff, workcell apply\n`;

  function fill(name: string): string {
    const folder = desk.folder(name);
    desk.file(`${name}/a`, "before\n");
    return folder;
  }

  test("a further cell of a session sees what the first one wrote, another session does not", async () => {
    const folder = fill("further");
    const words = ["--session", "further", "-m", folder, "sh", "-c"];
    await desk.run([...words, "echo one >one; rm a"]);
    const ended = await desk.run([...words, "ls; cat one; echo two >>one"]);
    expect([ended.stdout, ended.stderr]).toEqual(["one\none\n", waits("further", "2 changes wait")]);
    expect((await desk.run(["-m", folder, "ls"])).stdout).toBe("a\n");
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  test("cells that live at once share one mount: each sees what the others write, and nothing is lost", async () => {
    const [folder, other] = [fill("at-once"), fill("at-once-other")];
    const run = (mounts: readonly string[], script: string) =>
      desk.start(["run", "--session", "at-once", ...mounts.flatMap((m) => ["-m", m]), "sh", "-c", script]);
    // A second mount of the layer would go on showing what it has looked up before, and write over the others' lines.
    const wait = "cat a; echo up; read x; echo line >>a; cat one two three; ls | tr '\\n' ' '";
    const first = run([folder], `echo 1 >one; ${wait}`);
    await first.said("up");
    // The second lets go of nothing that the third takes over from it, when the first is gone.
    const second = run([other, folder], `cd ${folder}; cat one; echo 2 >two; echo o >${other}/o; ${wait}`);
    await second.said("up");
    const third = run([folder, other], `cat two ${other}/o; echo 3 >three; ${wait}`);
    await third.said("up");
    const last = "1\n2\n3\na one three two ";
    for (const [cell, said] of [
      [first, "before\n"],
      [third, "2\no\nbefore\n"],
      [second, "1\nbefore\n"],
    ] as const) {
      cell.child.stdin?.end("\n");
      const { code, stdout } = await cell.ended;
      expect([code, stdout]).toEqual([0, `${said}up\n${last}`]);
    }
    const upper = path.join(sessionOf("at-once"), "layers/1/upper");
    expect(readFileSync(path.join(upper, "a"), "utf8")).toBe("before\nline\nline\nline\n");
    expect([readdirSync(folder), readdirSync(other)]).toEqual([["a"], ["a"]]);
    expect(sessionLayers(sessionOf("at-once")).map((layer) => [layer.folder, layer.live])).toEqual([
      [folder, false],
      [other, false],
    ]);
  });

  test("many cells that start at once lose no line of one file", async () => {
    const folder = fill("many");
    const runs = Array.from({ length: 8 }, (_, index) =>
      desk.run(["--session", "many", "-m", folder, "sh", "-c", `echo line ${index} >>lines; sleep 0.3`]),
    );
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual(runs.map(() => 0));
    const upper = path.join(sessionOf("many"), "layers/1/upper/lines");
    expect(readFileSync(upper, "utf8").trim().split("\n").sort()).toEqual(
      runs.map((_, index) => `line ${index}`),
    );
  });

  test("a fresh session with changes is kept, and neither swept nor opened again", async () => {
    const folder = fill("kept");
    const { stderr } = await desk.run(["-m", folder, "sh", "-c", "echo x >new"]);
    const [, name = ""] = /1 change waits in session ([a-z-]+):/.exec(stderr) ?? [];
    expect(stderr).toBe(waits(name, "1 change waits"));
    const kept = sessionOf(name);
    expect(readdirSync(kept).sort()).toEqual(["cells", "layers", "session.json"]);
    await desk.run(["true"]);
    expect(pendingLayers(kept)).toEqual([
      {
        ...{ folder, ...folderIdentity(folder) },
        ...{ name: "kept", mode: "review", live: false },
        upper: path.join(kept, "layers/1/upper"),
        layerFolder: path.join(kept, "layers/1"),
        baseTimeNs: expect.any(BigInt),
      },
    ]);
    const again = await desk.run(["--session", name, "true"]);
    expect([again.code, again.stderr.includes("only its records are left")]).toEqual([125, true]);
  });

  test("the base time is that of the last empty layer, and stays while something waits", async () => {
    const folder = fill("base");
    const words = ["--session", "base", "-m", folder];
    const baseOf = () => sessionLayers(sessionOf("base"))[0]?.baseTimeNs ?? 0n;
    await desk.run([...words, "true"]);
    const first = baseOf();
    await desk.run([...words, "sh", "-c", "echo x >x"]);
    const second = baseOf();
    await desk.run([...words, "sh", "-c", "echo y >y"]);
    expect([first > 0n, second > first, baseOf() === second]).toEqual([true, true, true]);
    const { ctimeNs } = statSync(path.join(folder, "a"), { bigint: true });
    expect(ctimeNs < first).toBe(true);
  });

  test("a folder that another one replaced is refused while changes of the old one wait", async () => {
    const folder = fill("replaced");
    const words = ["--session", "replaced", "-m", folder, "sh", "-c"];
    await desk.run([...words, "true"]);
    renameSync(folder, `${folder}-old`);
    fill("replaced");
    // Nothing waits: the layer is begun anew.
    expect((await desk.run([...words, "echo x >x"])).code).toBe(0);
    renameSync(folder, `${folder}-older`);
    fill("replaced");
    const ended = await desk.run([...words, "cat a"]);
    expect([ended.code, ended.stdout]).toEqual([125, ""]);
    expect(ended.stderr).toContain('session "replaced" holds changes of the folder that stood there before');
    expect(ended.stderr).toContain("workcell diff replaced");
  });

  test("while somebody applies a layer no cell of its session starts, and while one lives nobody may", async () => {
    const folder = fill("locked");
    const words = ["--session", "locked", "-m", folder];
    const cellhost = path.join(path.dirname(desk.program), "../dist/native/cellhost");
    await desk.run([...words, "true"]);
    const lock = path.join(sessionOf("locked"), "layers/1/lock");
    const tryLock = (fd: number) =>
      spawnSync(cellhost, ["lock", "3", "0"], { stdio: ["ignore", "ignore", "ignore", fd] }).status;
    const fd = openSync(lock, "r+");
    try {
      expect(tryLock(fd)).toBe(0);
      const refused = await desk.run([...words, "true"]);
      expect([refused.code, refused.stderr]).toEqual([125, expect.stringContaining("(WC_SESSION)")]);
      expect(refused.stderr).toContain("another Workcell is applying");
    } finally {
      closeSync(fd);
    }
    const living = desk.start(["run", ...words, "sh", "-c", "echo up; read x"]);
    await living.said("up");
    expect(sessionLayers(sessionOf("locked")).map(({ live }) => live)).toEqual([true]);
    const other = openSync(lock, "r+");
    expect(tryLock(other)).not.toBe(0);
    closeSync(other);
    living.child.stdin?.end("\n");
    await living.ended;
  });

  test("kill -9 of everything leaves no mount and no process, and the layer can be read and gone on with", async () => {
    const folder = fill("killed");
    const before = snapshot(folder);
    const mounted = overlays();
    const mark = `mark-${person.name.replaceAll(/\W/g, "")}`;
    const words = ["run", "--session", "killed", "-m", folder];
    const script = `echo ${mark} >x; mkdir d; echo up; sleep 60; echo ${mark}`;
    const { child, said, ended } = desk.start([...words, "sh", "-c", script]);
    await said("up");
    expect(processesWith(mark).length).toBeGreaterThan(0);
    child.kill("SIGKILL");
    await ended;
    expect(await until(() => processesWith(mark).length === 0)).toBe(true);
    expect(overlays()).toBe(mounted);
    expect(snapshot(folder)).toEqual(before);
    const [layer] = pendingLayers(sessionOf("killed"));
    expect([layer?.live, readFileSync(`${layer?.upper}/x`, "utf8")]).toEqual([false, `${mark}\n`]);
    const next = await desk.workcell([...words, "sh", "-c", "cat x; rm x; rmdir d; ls"]);
    expect([next.code, next.stdout]).toEqual([0, `${mark}\na\n`]);
  });

  test("what a killed run of a fresh session wrote outlives the sweep", async () => {
    const folder = fill("swept");
    const known = existsSync(path.join(desk.state, "sessions"))
      ? readdirSync(path.join(desk.state, "sessions"))
      : [];
    const { child, said, ended } = desk.start([
      "run",
      "-m",
      folder,
      "sh",
      "-c",
      "echo x >x; echo up; sleep 60",
    ]);
    await said("up");
    const [name = ""] = readdirSync(path.join(desk.state, "sessions")).filter((one) => !known.includes(one));
    child.kill("SIGKILL");
    await ended;
    await until(() => processesWith(name).length === 0);
    // The sweep runs beside a command.
    await desk.run(["sleep", "1"]);
    expect(existsSync(path.join(sessionOf(name), "home"))).toBe(false);
    expect(pendingLayers(sessionOf(name)).map(({ upper }) => readdirSync(upper))).toEqual([["x"]]);
  });

  test("the layer counts to the session's disk", async () => {
    const folder = fill("disk");
    const fillUp = "head -c 40M /dev/zero >big; sleep 5; echo done";
    const words = ["--disk", "16M", "-m", folder];
    const outcome = await desk.outcomeOf([...words, "sh", "-c", fillUp]);
    expect(outcome).toMatchObject({ status: "disk-full", exitCode: 137 });
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  test("no layer is opened for a folder with something mounted in it, and the reason is said", async () => {
    if (process.getuid?.() !== 0 || person.uid !== undefined) return;
    const folder = fill("mounted");
    mkdirSync(path.join(folder, "point"));
    const script = `mount -t tmpfs none ${folder}/point && exec "$@"`;
    const through = ["unshare", "-m", "sh", "-c", script, "sh"];
    const ended = await desk.run(["-m", folder, "true"], { through });
    expect(ended.code).toBe(125);
    expect(ended.stderr).toContain(`"${folder}/point" is mounted in it`);
    expect((await desk.run(["-m", `${folder}:rw`, "true"], { through })).code).toBe(0);
  });
});
