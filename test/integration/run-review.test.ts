import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Desk, everyWay, makeDesk } from "../helpers/run-workcell.ts";
import { snapshot } from "../helpers/tree.ts";

/** A folder outside the desk that goes with the test; the person's own. */
function makeFolder(parent: string, uid = 0): string {
  const folder = mkdtempSync(path.join(parent, "workcell-review-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  if (uid !== 0) chownSync(folder, uid, uid);
  return folder;
}

/** Every kind of change; the last line is what the cell sees afterwards. */
const changes = `set -e
echo new >created; echo more >>edited; rm deleted; mv renamed moved; chmod 600 mode
mkdir made made/deep; echo in >made/deep/file; ln -s edited link; ln edited name
rm -rf replaced; mkdir replaced; echo fresh >replaced/fresh
mv folder elsewhere; rm -r gone; touch -d 2001-01-01 time
printf %s "$(find . | LC_ALL=C sort | tr '\\n' ' ')"; cat edited elsewhere/inner replaced/*`;

const seen =
  ". ./created ./edited ./elsewhere ./elsewhere/inner ./link ./made ./made/deep ./made/deep/file ./mode ./moved ./name ./replaced ./replaced/fresh ./time before\nmore\ninner\nfresh\n";

describe.each(everyWay)("folders in review as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const isRoot = person.uid === undefined && process.getuid?.() === 0;
  const profiles = person.tunnel === "socat" ? (["standard", "cowork"] as const) : (["standard"] as const);

  function fill(name: string): string {
    const folder = desk.folder(name);
    for (const file of ["edited", "deleted", "renamed", "mode", "time"])
      desk.file(`${name}/${file}`, "before\n");
    for (const inner of ["replaced", "folder", "gone"]) {
      desk.folder(`${name}/${inner}`);
      desk.file(`${name}/${inner}/inner`, "inner\n");
    }
    return folder;
  }

  test.each(profiles)("%s: the cell changes everything, the host's folder nothing", async (profile) => {
    const folder = fill(`all-${profile}`);
    const before = snapshot(folder);
    const where = profile === "cowork" ? ["-w", `mnt/all-${profile}`] : [];
    const words = ["--profile", profile, ...where, "-m"];
    const ended = await desk.run([...words, folder, "sh", "-c", changes]);
    expect([ended.code, ended.stdout]).toEqual([0, seen]);
    expect(ended.stderr).toMatch(
      /^workcell: \d+ changes wait in session [a-z]+-[a-z]+-[a-z]+: workcell diff, workcell apply\n$/,
    );
    expect(snapshot(folder)).toEqual(before);
    // The control: live, the same commands change it.
    const live = await desk.run([...words, `${folder}:rw`, "sh", "-c", changes]);
    expect([live.code, live.stdout, live.stderr]).toEqual([0, seen, ""]);
    expect(snapshot(folder)).not.toEqual(before);
    expect(readFileSync(path.join(folder, "edited"), "utf8")).toBe("before\nmore\n");
  });

  test("the layer holds what was written, owned like the folder, and its record says of which", async () => {
    const folder = fill("held");
    await desk.run(["--session", "holds", "-m", `${folder}:review`, "sh", "-c", changes]);
    const layer = path.join(desk.state, "sessions/holds/layers/1");
    const upper = path.join(layer, "upper");
    expect(readFileSync(path.join(upper, "created"), "utf8")).toBe("new\n");
    expect(readFileSync(path.join(upper, "edited"), "utf8")).toBe("before\nmore\n");
    expect(lstatSync(path.join(upper, "deleted"))).toMatchObject({ rdev: 0, mode: 0o020000 });
    const { uid, gid, dev, ino } = statSync(folder);
    for (const name of ["created", "made/deep/file", "edited"])
      expect(statSync(path.join(upper, name))).toMatchObject({ uid, gid });
    expect(JSON.parse(readFileSync(path.join(layer, "layer.json"), "utf8"))).toMatchObject({
      schema: "workcell.layer/1",
      ...{ folder, device: `${dev}`, inode: `${ino}`, name: "held", mode: "review" },
      baseTimeNs: expect.stringMatching(/^\d{19}$/),
    });
  });

  test("what changes nothing leaves no layer, and nothing is said", async () => {
    const folder = fill("nothing");
    const before = snapshot(folder);
    const ended = await desk.run(["-m", folder, "sh", "-c", "cat edited; ls >/dev/null; find . | wc -l"]);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([0, "before\n12\n", ""]);
    expect(snapshot(folder)).toEqual(before);
    const sessions = path.join(desk.state, "sessions");
    const newest = readdirSync(sessions)
      .map((name) => path.join(sessions, name))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
    expect(existsSync(path.join(newest ?? "", "cells"))).toBe(true);
    expect(existsSync(path.join(newest ?? "", "layers"))).toBe(false);
  });

  test("renaming a directory that was there before goes as to another disk, and mv copies it", async () => {
    const folder = fill("renamed");
    const script = `python3 -c 'import os
try: os.rename("folder", "elsewhere")
except OSError as e: print(e.strerror)'; mv folder elsewhere && cat elsewhere/inner; mkdir a; python3 -c 'import os; os.rename("a", "b")' && ls -d b`;
    const ended = await desk.run(["-m", folder, "sh", "-c", script]);
    expect(ended.stdout).toBe("Invalid cross-device link\ninner\nb\n");
  });

  test("the set-id family is refused, and the cell sees the folder as its own", async () => {
    const folder = fill("set-id");
    const script = `stat -c '%u %a' . edited | sed "s/^$(id -u) /mine /"; chmod 4755 edited 2>/dev/null || echo refused; install -m 2755 edited other 2>/dev/null || echo refused; python3 -c 'import os; os.open("s", os.O_CREAT, 0o4755)' 2>/dev/null || echo refused`;
    const ended = await desk.run(["--session", "set-id", "-m", folder, "sh", "-c", script]);
    expect(ended.stdout).toBe("mine 755\nmine 644\nrefused\nrefused\nrefused\n");
    const layer = path.join(desk.state, "sessions/set-id/layers");
    expect((await desk.outside(["find", layer, "-perm", "/6000"])).stdout).toBe("");
  });

  test.runIf(isRoot)("as root: a folder that only its owner may reach, root or another", async () => {
    for (const uid of [0, 1234]) {
      const folder = makeFolder("/root", uid);
      await desk.outside([
        "sh",
        "-c",
        `umask 077; echo p >${folder}/p; chown --reference=${folder} ${folder}/p`,
      ]);
      const before = snapshot(folder);
      const script = "cat p; echo more >>p; echo x >w; mkdir sub; rm p; stat -c %u w; id -u";
      const ended = await desk.run(["--session", `of-${uid}`, "-m", folder, "sh", "-c", script]);
      const [read, owner, user] = ended.stdout.split("\n");
      expect([ended.code, read, owner]).toEqual([0, "p", user]);
      expect(snapshot(folder)).toEqual(before);
      const upper = path.join(desk.state, `sessions/of-${uid}/layers/1/upper`);
      for (const name of ["w", "sub", ""]) expect(statSync(path.join(upper, name)).uid).toBe(uid);
    }
  });

  test("folders in folders: each path has one way, whatever it is seen through", async () => {
    const outer = fill("outer");
    const [ro, rw] = [path.join(outer, "replaced"), path.join(outer, "folder")];
    const act = "echo o >o; (echo r >replaced/r) 2>/dev/null || echo not; echo w >folder/w";
    const named = ["-m", outer, "-m", `${ro}:ro`, "-m", `${rw}:rw`];
    const ended = await desk.run([...named, "sh", "-c", act]);
    expect([ended.code, ended.stdout]).toEqual([0, "not\n"]);
    expect([existsSync(`${outer}/o`), existsSync(`${rw}/w`)]).toEqual([false, true]);
    // The other way round; in cowork each also has a place of its own.
    const inner = ["-m", `${outer}:rw`, "-m", rw];
    const isCowork = profiles.length > 1;
    const where = isCowork ? ["--profile", "cowork", "-w", "mnt/outer"] : [];
    const script = `echo o >o2; echo w >folder/w2; ls ${isCowork ? "../folder" : "folder"}`;
    const turned = await desk.run([...where, ...inner, "sh", "-c", script]);
    expect([turned.code, turned.stdout]).toEqual([0, "inner\nw\nw2\n"]);
    expect([existsSync(`${outer}/o2`), existsSync(`${rw}/w2`)]).toEqual([true, false]);
  });

  test.each(["/tmp", "/var/tmp", "/dev/shm"])("a folder in %s", async (parent) => {
    const folder = makeFolder(parent, person.uid);
    await desk.outside(["sh", "-c", "echo before >a; mkdir d; echo x >d/x"], { cwd: folder });
    const before = snapshot(folder);
    const script = "echo more >>a; rm -r d; mkdir d; echo y >d/y; cat a d/*";
    const ended = await desk.run(["-m", folder, "sh", "-c", script]);
    expect([ended.code, ended.stdout]).toEqual([0, "before\nmore\ny\n"]);
    expect(snapshot(folder)).toEqual(before);
  });

  test.each(["a:b,c\\d", "späce ✓ (1) 'q' \"d\" $HOME", "lowerdir=x"])("a folder called %s", async (name) => {
    const folder = desk.folder(name);
    const ended = await desk.run(["-m", `src=${folder}`, "sh", "-c", "pwd; echo x >written; ls"]);
    expect([ended.code, ended.stdout]).toEqual([0, `${folder}\nwritten\n`]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a folder that may not be written is none that may in the cell", async () => {
    const folder = fill("unwritable");
    chmodSync(folder, 0o555);
    const ended = await desk.run([
      "-m",
      folder,
      "sh",
      "-c",
      "echo x >new || echo not; echo more >>edited; cat edited",
    ]);
    expect(ended.stdout).toBe("not\nbefore\nmore\n");
  });

  test("--explain says that the folder stays as it is, and where the layer would lie", async () => {
    const folder = fill("explained");
    const { stdout } = await desk.run(["--explain", "-m", folder, "true"]);
    expect(stdout).toMatch(/connected review \(flag --mount\): what changes goes to the session's layers\/1/);
    expect(stdout).toMatch(/Folders merged with a layer by cellhost/);
    expect(stdout).toContain(`--layer merged-1 ${folder} `);
  });
});
