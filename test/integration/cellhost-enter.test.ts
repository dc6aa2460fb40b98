import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as helper from "../helpers/cellhost.ts";

const { cellId, failureLine, runScript, runToEnd } = helper;
const isRoot = process.getuid?.() === 0;
if (!isRoot)
  console.warn("cellhost enter: skipped, only root can make idmapped mounts; run the tests as root");

test.runIf(process.env["CI"])("in CI nothing of this is skipped", () => {
  expect(isRoot).toBe(true);
});

describe.runIf(isRoot)("cellhost enter", () => {
  let build: helper.Place;
  let cellhost = "";
  let place: helper.Place;
  let folder = "";
  let count = 0;

  beforeAll(() => {
    build = helper.makePlace();
    cellhost = helper.buildCellhost(build.path);
    place = helper.makeIdmappablePlace(cellhost);
    mkdirSync(path.join(place.path, "scratch"));
  });
  afterAll(() => {
    place[Symbol.dispose]();
    build[Symbol.dispose]();
  });
  /** A folder of root's that nobody else may look into. */
  beforeEach(() => {
    count += 1;
    folder = path.join(place.path, `folder-${count}`);
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(path.join(folder, "secret"), "kept\n", { mode: 0o600 });
  });

  const scratch = () => path.join(place.path, "scratch");
  const words = (...mounts: readonly (string | number)[]) => [
    cellhost,
    ...["enter", "--uid", `${cellId}`, "--gid", `${cellId}`, "--scratch", scratch()],
    ...mounts.map(String),
    "--",
  ];
  /** Runs a script as the dropped uid, with the scratch folder as `$1`. */
  const inside = (script: string, ...mounts: readonly (string | number)[]) =>
    runToEnd([...words(...mounts), "/bin/sh", "-c", script, "sh", scratch()]);

  test.each([0, 1234])(
    "opens a 0700 folder of uid %i to the dropped uid, and leaves it its owner's",
    (owner) => {
      for (const file of [folder, path.join(folder, "secret")]) chownSync(file, owner, owner);
      const control = runToEnd([...helper.asStranger, "cat", path.join(folder, "secret")]);
      expect(control).toMatchObject({ status: 1, stdout: "" });
      const script = `cat "$1/m0/secret"; stat -c %u:%g "$1/m0/secret"; echo new > "$1/m0/new"; mkdir "$1/m0/made"`;
      expect(inside(script, "--idmap", "rw", folder, "m0", owner, owner)).toEqual({
        status: 0,
        signal: null,
        stdout: `kept\n${cellId}:${cellId}\n`,
        stderr: "",
      });
      const onDisk = ["new", "made"].map((name) => statSync(path.join(folder, name)));
      expect(onDisk.map(({ uid, gid }) => [uid, gid])).toEqual([
        [owner, owner],
        [owner, owner],
      ]);
    },
  );

  test("each folder keeps its own owner, whether uid or gid is another", () => {
    const owners = [
      [0, 0],
      [1234, 0],
      [1234, 1235],
    ] as const;
    const mounts = owners.flatMap(([uid, gid], index) => {
      const source = path.join(folder, `${index}`);
      mkdirSync(source, { mode: 0o700 });
      chownSync(source, uid, gid);
      return ["--idmap", "rw", source, `m${index}`, uid, gid];
    });
    const done = inside(`for name in m0 m1 m2; do echo x > "$1/$name/new"; done`, ...mounts);
    expect(done).toMatchObject({ status: 0, stderr: "" });
    const onDisk = owners.map((_, index) => statSync(path.join(folder, `${index}/new`)));
    expect(onDisk.map(({ uid, gid }) => [uid, gid])).toEqual(owners);
  });

  test("the scratch folder can be walked through, neither listed nor written", () => {
    const script = `ls "$1"; touch "$1/new"; cat "$1/m0/secret"`;
    const done = inside(script, "--idmap", "ro", folder, "m0", 0, 0);
    expect(done.stdout).toBe("kept\n");
    expect(done.stderr.match(/(ls|touch): cannot .*: Permission denied/g)).toHaveLength(2);
  });

  test("a place in a folder of the scratch: whoever walks there reads it, whatever the umask, and writes nothing", () => {
    writeFileSync(path.join(folder, "open"), "shown\n", { mode: 0o644 });
    const asked = words(
      ...["--mount", "ro", path.join(folder, "open"), "e/a/b/open", "--mount", "system", "/usr", "e/usr"],
      ...["--link", "usr/bin", "e/bin", "--link", "/no/where", "e/a/dangling"],
    );
    const script = `cat "$1/e/a/b/open"; ls "$1/e" "$1/e/a"; readlink "$1/e/bin" "$1/e/a/dangling"; test -x "$1/e/bin/env"
      for name in e/new e/a/new e/a/b/open e/usr/new; do (: > "$1/$name") || :; done`;
    const done = runToEnd([
      ...["bash", "-c", 'umask 077; exec "$@"', "bash"],
      ...[...asked, "/bin/sh", "-euc", script, "sh", scratch()],
    ]);
    const listed = [`${scratch()}/e:`, "a", "bin", "usr", "", `${scratch()}/e/a:`, "b", "dangling"];
    expect(done.stdout.trimEnd().split("\n")).toEqual(["shown", ...listed, "usr/bin", "/no/where"]);
    expect(done.stderr.match(/Permission denied|Read-only file system/g)).toHaveLength(4);
  });

  test("makes no folder in what is mounted, nor behind a link", () => {
    const there = inside("true", "--mount", "rw", folder, "m0", "--mount", "system", "/usr", "m0/made/x");
    expect(there).toMatchObject({ status: 125, stderr: expect.stringContaining('"m0"') });
    const behind = inside(
      "true",
      ...["--link", folder, "e", "--mount", "ro", folder, "m1"],
      ...["--link", "x", "e/made"],
    );
    expect(behind).toMatchObject({ status: 125, stderr: expect.stringContaining('"e"') });
    expect(readdirSync(folder)).toEqual(["secret"]);
  });

  test("follows links to the system's own alone", () => {
    const link = path.join(folder, "link");
    symlinkSync("/usr", link);
    chmodSync(folder, 0o755);
    expect(inside("true", "--mount", "ro", link, "m0").stderr).toContain("open source");
    expect(inside(`test -x "$1/m0/bin/env"`, "--mount", "system", link, "m0")).toMatchObject({ status: 0 });
  });

  test("a file system below a folder is as read-only as the folder", () => {
    mkdirSync(path.join(folder, "below"));
    const script = `mount -t tmpfs -o mode=777 below "$1/below"; shift; exec "$@"`;
    const write = (mode: string) => [
      ...["unshare", "-m", "bash", "-euc", script, "bash", folder],
      ...[...words("--idmap", mode, folder, "m0", 0, 0), "/bin/sh", "-c", `: > "$1/m0/below/new"`],
      ...["sh", scratch()],
    ];
    expect(runToEnd(write("rw"))).toMatchObject({ status: 0, stderr: "" });
    expect(runToEnd(write("ro")).stderr).toContain("Read-only file system");
  });

  test("does not open it without the idmap", () => {
    const done = inside(`cat "$1/m0/secret"`, "--mount", "rw", folder, "m0");
    expect(done).toMatchObject({ status: 1, stdout: "" });
    expect(done.stderr).toContain("Permission denied");
  });

  test("takes a file as a source", () => {
    const file = path.join(folder, "secret");
    const done = inside(`cat "$1/f"; echo more >> "$1/f"`, "--idmap", "rw", file, "f", 0, 0);
    expect(done).toMatchObject({ status: 0, stdout: "kept\n", stderr: "" });
    expect(readFileSync(file, "utf8")).toBe("kept\nmore\n");
    expect(statSync(file).uid).toBe(0);
  });

  test.each(["--mount", "--idmap"])("%s ro cannot be written, where rw can", (kind) => {
    chmodSync(folder, 0o777);
    const owner = kind === "--idmap" ? [0, 0] : [];
    const script = `echo x > "$1/m0/new"`;
    const refused = inside(script, kind, "ro", folder, "m0", ...owner);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain("Read-only file system");
    expect(inside(script, kind, "rw", folder, "m0", ...owner)).toMatchObject({ status: 0, stderr: "" });
  });

  test("mounts refuse devices and set-id programs", () => {
    runScript(`mknod -m 666 "$1/zero" c 1 5; chmod 755 "$1"`, [folder]);
    const control = runToEnd([...helper.asStranger, "head", "-c", "1", path.join(folder, "zero")]);
    expect(control).toMatchObject({ status: 0, stdout: "\0" });
    const script = `grep -F " $1/m" /proc/self/mountinfo | cut -d" " -f6; head -c 1 "$1/m0/zero"`;
    const done = inside(script, "--mount", "rw", folder, "m0", "--idmap", "ro", folder, "m1", 0, 0);
    const [first = "", second = "", ...rest] = done.stdout.split("\n");
    expect(first.split(",")).toEqual(expect.arrayContaining(["rw", "nosuid", "nodev"]));
    expect(second.split(",")).toEqual(expect.arrayContaining(["ro", "nosuid", "nodev"]));
    expect(rest).toEqual([""]);
    expect(done.stderr).toContain("Permission denied");
  });

  test.each(["last", "middle"])("refuses a source whose %s part is a symlink", (part) => {
    const link = path.join(place.path, `link-${count}`);
    symlinkSync(part === "last" ? folder : place.path, link);
    const source = part === "last" ? link : path.join(link, path.basename(folder));
    const refused = inside("true", "--idmap", "rw", source, "m0", 0, 0);
    expect(refused).toEqual({
      status: 125,
      signal: null,
      stdout: "",
      stderr: `cellhost: open source "${source}": Symbolic link loop (errno ELOOP)\n`.replace(
        "Symbolic link loop",
        refused.stderr.includes("Too many") ? "Too many levels of symbolic links" : "Symbolic link loop",
      ),
    });
    expect(inside("true", "--idmap", "rw", folder, "m0", 0, 0).status).toBe(0);
  });

  test("a source below the scratch folder is found before that is covered", () => {
    const source = path.join(scratch(), `below-${count}`);
    mkdirSync(source, { mode: 0o700 });
    const done = inside(
      `stat -c %u "$1/m0"; stat "$1/${path.basename(source)}"`,
      "--idmap",
      "rw",
      source,
      "m0",
      0,
      0,
    );
    expect(done).toMatchObject({ status: 1, stdout: `${cellId}\n` });
    expect(done.stderr).toContain("No such file");
  });

  test("the folder is idmapped even where a file system below it cannot be", () => {
    mkdirSync(path.join(folder, "below"));
    const script = `mount -t proc proc "$1/below"; shift; exec "$@"`;
    const command = [...words("--idmap", "rw", folder, "m0", 0, 0), "/bin/sh", "-c"];
    const looked = `cat "$1/m0/secret"; stat -c %u "$1/m0/below/1"`;
    const done = runToEnd([
      ...["unshare", "-m", "bash", "-euc", script, "bash", folder],
      ...[...command, looked, "sh", scratch()],
    ]);
    expect(done).toMatchObject({ status: 0, stdout: "kept\n0\n", stderr: "" });
  });

  test.each([
    ["a source that is gone", 123, ["--mount", "ro", "/nowhere/at/all", "m0"]],
    ["a file system that cannot be idmapped", 122, ["--idmap", "ro", "/proc/sys", "m0", 0, 0]],
    ["two mounts of one name", 125, ["--mount", "ro", "/usr", "m0", "--mount", "ro", "/etc", "m0"]],
    ["a descriptor that is not open", 125, ["--keep-fd", 93]],
    ["another parent than the one named", 125, ["--parent", 1]],
  ])("says in one line: %s", (_what, status, mounts) => {
    const done = inside("echo started", ...mounts);
    expect(done).toMatchObject({ status, stdout: "" });
    expect(done.stderr).toMatch(failureLine);
  });

  test("says in one line that CAP_SYS_ADMIN is missing, and that it is not run by root", () => {
    const weak = runToEnd(["setpriv", "--bounding-set", "-sys_admin", ...words(), "/bin/true"]);
    expect(weak).toMatchObject({ status: 125, stdout: "" });
    expect(weak.stderr).toMatch(/^cellhost: make a private mount namespace .* \(errno EPERM\)\n$/);
    const stranger = runToEnd([...helper.asStranger, ...words(), "/bin/true"]);
    expect(stranger).toMatchObject({ status: 125, stdout: "" });
    expect(stranger.stderr).toBe(
      `cellhost: enter as root, not as uid "${cellId}": Operation not permitted (errno EPERM)\n`,
    );
  });
});
