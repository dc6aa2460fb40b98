import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** A folder outside the desk that goes with the test; the person's own. */
function makeFolder(parent: string, uid: number | undefined): string {
  const folder = mkdtempSync(path.join(parent, "workcell-folder-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  if (uid !== undefined) chownSync(folder, uid, uid);
  return folder;
}

/** What a person is told who connects a folder where the command does not start in it. */
const startsAtHome = (name: string) =>
  `workcell: The command starts in its home, as in the reference; the folder is mnt/${name} (-w mnt/${name}).\n`;

describe.each(people)("connected folders of workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const isRoot = person.uid === undefined && process.getuid?.() === 0;

  test("ro can be read and not written, rw both, and the host sees what was written", async () => {
    const folder = desk.folder("plain");
    desk.file("plain/from-host", "hello\n");
    const act = "cat from-host; echo changed >from-host; echo new >from-cell; mkdir sub; rm -f from-host; ls";
    const read = await desk.run(["-m", `${folder}:ro`, "sh", "-c", act]);
    expect(read.stdout).toBe("hello\nfrom-host\n");
    expect(read.stderr.match(/Read-only file system/g)).toHaveLength(4);
    expect(readFileSync(path.join(folder, "from-host"), "utf8")).toBe("hello\n");
    const write = await desk.run(["-m", `${folder}:rw`, "sh", "-c", act]);
    expect([write.stdout, write.stderr]).toEqual(["hello\nfrom-cell\nsub\n", ""]);
    expect(readFileSync(path.join(folder, "from-cell"), "utf8")).toBe("new\n");
    const { uid } = statSync(folder);
    expect(["from-cell", "sub"].map((name) => statSync(path.join(folder, name)).uid)).toEqual([uid, uid]);
  });

  test("a live folder shows the cell what the host changes while it runs", async () => {
    const folder = desk.folder("live");
    const wait = "echo up; read x; cat later";
    const { child, said, ended } = desk.start(["run", "-m", `${folder}:ro`, "sh", "-c", wait]);
    await said("up");
    desk.file("live/later", "came later\n");
    child.stdin?.end("\n");
    expect((await ended).stdout).toBe("up\ncame later\n");
  });

  test("standard: each folder at its own path, and the command starts in the first", async () => {
    const [one, two] = [desk.folder("one"), desk.folder("two words")];
    desk.file("one/a", "a\n");
    desk.file("two words/b", "b\n");
    const words = ["-m", `${one}:ro`, "-m", `${two}:rw`, "sh", "-c", 'pwd; cat "$@"', "sh", "a", `${two}/b`];
    expect((await desk.run(words)).stdout).toBe(`${one}\na\nb\n`);
  });

  test("cowork: each folder under $HOME/mnt by its name, and the command starts in the home", async () => {
    const [one, two] = [desk.folder("one"), desk.folder("two words")];
    const script = `pwd; ls mnt; cat mnt/one/a "mnt/given name/b"; test -e ${one} || echo not at its own place`;
    const words = [
      "--profile",
      "cowork",
      "--session",
      "with-folders",
      "-m",
      `${one}:ro`,
      "-m",
      `${two}:given name:rw`,
    ];
    const { stdout, stderr } = await desk.run([...words, "sh", "-c", script]);
    const home = "/sessions/with-folders";
    expect([stdout, stderr]).toEqual([
      `${home}\ngiven name\none\na\nb\nnot at its own place\n`,
      startsAtHome("one"),
    ]);
    expect((await desk.run([...words, "-w", "mnt/given name", "pwd"])).stdout).toBe(
      `${home}/mnt/given name\n`,
    );
  });

  test("-w starts in a folder of the cell: absolute, or from where it would have started", async () => {
    const folder = desk.folder("start");
    desk.folder("start/deep");
    const mount = ["-m", `${folder}:ro`];
    expect((await desk.run([...mount, "-w", "/usr/lib", "pwd"])).stdout).toBe("/usr/lib\n");
    expect((await desk.run([...mount, "-w", "deep", "pwd"])).stdout).toBe(`${folder}/deep\n`);
    const missing = await desk.run([...mount, "-w", "not-there", "pwd"]);
    expect([missing.code, missing.stdout]).toEqual([125, ""]);
    expect(missing.stderr).toContain(`${folder}/not-there`);
  });

  test.each([
    ["a:b:c", (folder: string) => `src=${folder},mode=rw`],
    ["späce ✓ (1) 'q' \"d\" $HOME `id` \\ *", (folder: string) => `${folder}:rw`],
    ["-dash", (folder: string) => `${folder}:rw`],
  ])("a folder called %s", async (name, mount) => {
    const folder = desk.folder(name);
    const words = ["-m", mount(folder), "sh", "-c", "pwd; echo x >written"];
    const ended = await desk.run(words);
    expect([ended.stdout, ended.stderr]).toEqual([`${folder}\n`, ""]);
    expect(readFileSync(path.join(folder, "written"), "utf8")).toBe("x\n");
    expect((await desk.run(["--profile", "cowork", ...words])).code).toBe(0);
  });

  test("relative to where the person is, and through a symlink to the real place", async () => {
    const folder = desk.folder("real");
    desk.file("real/file", "x\n");
    symlinkSync(folder, path.join(desk.work, "link"));
    const options = { cwd: desk.work };
    expect((await desk.run(["-m", "../real:ro", "pwd"], options)).stdout).toBe(`${folder}\n`);
    expect((await desk.run(["-m", "link:ro", "sh", "-c", "pwd; cat file"], options)).stdout).toBe(
      `${folder}\nx\n`,
    );
    expect((await desk.run(["--profile", "cowork", "-m", "link:ro", "ls", "mnt"], options)).stdout).toBe(
      "real\n",
    );
  });

  test.each([["outer first"], ["inner first"]])("ro within rw stays ro, named %s", async (order) => {
    const [outer, inner] = [desk.folder("outer"), desk.folder("outer/inner")];
    const mounts = ["-m", `${outer}:rw`, "-m", `${inner}:ro`];
    if (order === "inner first") mounts.push(...mounts.splice(0, 2));
    const script = `cd ${outer}; echo x >here && echo outer; (echo x >inner/here) 2>/dev/null || echo not inner`;
    expect((await desk.run([...mounts, "sh", "-c", script])).stdout).toBe("outer\nnot inner\n");
    expect(existsSync(path.join(inner, "here"))).toBe(false);
  });

  test.each(["/tmp", "/var/tmp", "/dev/shm"])("a folder in %s, in either profile", async (parent) => {
    const folder = makeFolder(parent, person.uid);
    for (const [profile, place] of [
      ["standard", folder],
      ["cowork", `mnt/${path.basename(folder)}`],
    ] as const) {
      const script = `cd ${place} && echo ${profile} >${profile} && cat ${profile}`;
      const ended = await desk.run(["--profile", profile, "-m", `${folder}:rw`, "sh", "-c", script]);
      const said = profile === "cowork" ? startsAtHome(path.basename(folder)) : "";
      expect([ended.code, ended.stdout, ended.stderr]).toEqual([0, `${profile}\n`, said]);
      expect(readFileSync(path.join(folder, profile), "utf8")).toBe(`${profile}\n`);
    }
  });

  test.runIf(isRoot)("as root: a folder that only its owner may reach, root or another", async () => {
    const [ofRoot, ofOther] = [makeFolder("/root", undefined), makeFolder("/root", 1234)];
    for (const folder of [ofRoot, ofOther]) {
      const file = path.join(folder, "private");
      await desk.outside(["sh", "-c", `umask 077; echo p >${file}; chown --reference=${folder} ${file}`]);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      const script = "cat private; echo x >written; mkdir sub; ls -ln private | cut -d' ' -f3; id -u";
      const [read, owner, user] = (await desk.run(["-m", `${folder}:rw`, "sh", "-c", script])).stdout.split(
        "\n",
      );
      expect([read, owner]).toEqual(["p", user]);
      const { uid, gid } = statSync(folder);
      for (const name of ["written", "sub"])
        expect(statSync(path.join(folder, name))).toMatchObject({ uid, gid });
    }
    // The control: what is not connected is not there, neither for its rights nor at all.
    const other = await desk.run(["-m", `${ofRoot}:ro`, "ls", "-d", ofOther]);
    expect([other.code, other.stdout]).toEqual([2, ""]);
    expect(other.stderr).toContain("No such file or directory");
  });

  test("nothing of the host is there that was not connected: no home, no neighbour, no /run", async () => {
    const [folder, neighbour] = [desk.folder("here"), desk.folder("neighbour")];
    mkdirSync(path.join(neighbour, "x"), { recursive: true });
    const script = `ls -A /home /root /run /mnt /media /srv ${neighbour} ${desk.home} 2>&1 | grep -v 'No such file'; ls -A ${path.dirname(folder)}`;
    const { stdout } = await desk.run(["-m", `${folder}:ro`, "sh", "-c", script]);
    // In /run stands what seals a cell, and nothing else.
    expect(stdout.split("\n").filter((line) => !["", "/run:", "workcell"].includes(line))).toEqual(["here"]);
  });
});
