import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people, until } from "../helpers/run-workcell.ts";
import { snapshot } from "../helpers/tree.ts";

const git = (folder: string, ...words: readonly string[]) =>
  execFileSync("git", ["-C", folder, "-c", "safe.directory=*", ...words], { encoding: "utf8" });

/** What was taken out, by its path below the quarantine of whatever session. */
function quarantined(desk: Desk): readonly string[] {
  const sessions = path.join(desk.state, "sessions");
  return readdirSync(sessions).flatMap((name) => {
    const folder = path.join(sessions, name, "quarantine");
    if (!existsSync(folder)) return [];
    const all = readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true });
    return all
      .filter((one) => !one.isDirectory())
      .map((one) => path.relative(folder, path.join(one.parentPath, one.name)));
  });
}

describe.each(people)("protected paths of folders connected rw, as $name", (person) => {
  let desk: Desk;
  let made = 0;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  /** A repository with one commit, its settings and an editor's; the person's own. */
  const project = async (): Promise<string> => {
    made += 1;
    const folder = desk.folder(`project-${made}`);
    const make = `git init -q -b main . && git config user.name me && git config user.email me@example && mkdir .vscode && echo '{}' >.vscode/settings.json && echo one >file && git add file && git commit -qm one`;
    const { code, stderr } = await desk.outside(["sh", "-ec", make], { cwd: folder });
    expect([code, stderr]).toEqual([0, ""]);
    return folder;
  };
  const inside = (folder: string, script: string, ...flags: readonly string[]) =>
    desk.run(["-m", `${folder}:rw`, ...flags, "sh", "-ec", script]);

  test("git works: commit, branch, rebase, stash, worktree, init, clone", async () => {
    const folder = await project();
    const script = `
      echo two >>file; git commit -qam two; git checkout -q -b side HEAD^; echo x >other; git add other; git commit -qm other
      git rebase -q main; echo y >>other; git stash -q; git stash pop -q; git commit -qam more; git checkout -q main; git merge -q side
      git init -q sub; git clone -q . cloned; git -C cloned log --format=%s; git worktree add -q ../${path.basename(folder)}/tree side
      git -C tree status --short; git gc -q; git status --short`;
    const { code, stdout, stderr } = await inside(folder, script);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe("more\nother\ntwo\none\n?? .vscode/\n?? cloned/\n?? sub/\n?? tree/\n");
    expect(git(folder, "log", "--format=%s")).toBe("more\nother\ntwo\none\n");
    expect(readFileSync(path.join(folder, "cloned/.git/config"), "utf8")).toContain('[remote "origin"]');
    for (const place of ["sub/.git/config", "tree/.git", ".git/worktrees/tree/commondir"])
      expect(existsSync(path.join(folder, place))).toBe(true);
  });

  test("a command that writes nothing leaves nothing: neither in the folder nor in the records", async () => {
    const folder = await project();
    const before = snapshot(folder);
    const outcome = await desk.outcomeOf(["-m", `${folder}:rw`, "true"]);
    expect([outcome.status, outcome.denials, snapshot(folder)]).toEqual(["exited", [], before]);
    expect(quarantined(desk)).toEqual([]);
    expect(readdirSync(path.join(desk.state, "guards"))).toEqual([]);
  });

  test("what is refused stands in outcome and audit log, and what was taken out in the quarantine", async () => {
    const folder = await project();
    const before = snapshot(folder);
    const outcome = await desk.outcomeOf(["-m", `${folder}:rw`, "sh", "-c", "mkdir .idea; echo x >.idea/x"]);
    expect(outcome.denials).toEqual([
      {
        layer: "files",
        rule: "an editor takes commands from it when the folder is opened",
        origin: "built in",
        what: `write "${folder}/.idea/x"`,
        remedy: expect.stringContaining(`--allow-path '${folder}/.idea/x'`),
      },
    ]);
    const { "": _, ...rest } = snapshot(folder);
    expect(rest).toEqual(Object.fromEntries(Object.entries(before).filter(([name]) => name !== "")));
    const [, kept = ""] = /It lies in ([^;]*)/.exec(outcome.denials[0]?.remedy ?? "") ?? [];
    expect(readFileSync(kept, "utf8")).toBe("x\n");
    const { stdout } = await desk.workcell(["audit", "--denied", "--session", outcome.session]);
    expect(stdout).toContain(".idea/x");
  });

  test("other people's packages may hold what they like, but for git's own", async () => {
    const folder = await project();
    const places = [
      "node_modules/p/.vscode/x",
      "venv/lib/site-packages/p/.idea/x",
      "node_modules/p/.git/hooks/x",
    ];
    const script = places.map((place) => `mkdir -p "$(dirname ${place})"; echo x >${place}`).join("; ");
    const { stderr } = await inside(folder, `${script}; rm -rf node_modules/q`);
    expect(places.filter((place) => existsSync(path.join(folder, place)))).toEqual(places.slice(0, 2));
    expect(stderr.match(/refused write/g)).toHaveLength(1);
    const again = await inside(folder, "rm -rf node_modules venv; mkdir node_modules");
    expect([again.code, again.stderr]).toEqual([0, ""]);
  });

  test.each([".bashrc", "new/and/deep/.bashrc"])("while it runs, %s is taken out", async (name) => {
    const folder = await project();
    const place = path.join(folder, name);
    const script = `mkdir -p new/and/deep; echo x >${name}; echo up; read x`;
    const { child, said, ended } = desk.start(["run", "-m", `${folder}:rw`, "sh", "-c", script]);
    await said("up");
    await until(() => !existsSync(place), 10_000);
    child.stdin?.end("\n");
    expect((await ended).stderr).toContain(`refused write "${place}"`);
  });

  test("naming a path allows it, by --allow-path or as a folder of its own", async () => {
    const folder = await project();
    await desk.outside(["mkdir", ".idea"], { cwd: folder });
    const script =
      "echo new >.git/hooks/post-merge; echo 1 >.mcp.json; echo 2 >.idea/x; echo 3 >.vscode/settings.json || true";
    const flags = [
      "-m",
      `${folder}/.git/hooks:rw`,
      "--allow-path",
      `${folder}/.mcp.json`,
      "--allow-path",
      `${folder}/.idea`,
    ];
    const { code } = await inside(folder, script, ...flags);
    expect(code).toBe(0);
    expect(
      [".git/hooks/post-merge", ".mcp.json", ".idea/x", ".vscode/settings.json"].map((place) =>
        readFileSync(path.join(folder, place), "utf8"),
      ),
    ).toEqual(["new\n", "1\n", "2\n", "{}\n"]);
    const wrong = await inside(folder, "true", "--allow-path", "/elsewhere/.bashrc");
    expect([wrong.code, wrong.stderr]).toEqual([125, expect.stringContaining("/elsewhere/.bashrc")]);
  });

  test("the host changes what is in a covered folder, and a covered file in place: it stays", async () => {
    const folder = await project();
    const { child, said, ended } = desk.start([
      "run",
      "-m",
      `${folder}:rw`,
      "sh",
      "-c",
      "echo up; read x; cat .vscode/new",
    ]);
    await said("up");
    writeFileSync(path.join(folder, ".vscode/new"), "by the host\n");
    renameSync(path.join(folder, ".vscode/new"), path.join(folder, ".vscode/settings.json"));
    writeFileSync(path.join(folder, ".vscode/new"), "again\n");
    writeFileSync(path.join(folder, ".git/config"), "[core]\n\tfsmonitor = hosts\n");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.stdin?.end("\n");
    const { stdout, stderr } = await ended;
    expect([stdout, stderr]).toEqual(["up\nagain\n", ""]);
    expect(readFileSync(path.join(folder, ".git/config"), "utf8")).toContain("hosts");
    expect(readFileSync(path.join(folder, ".vscode/settings.json"), "utf8")).toBe("by the host\n");
  });

  test("the host replaces a covered file: both are kept, and the earlier one stands there", async () => {
    const folder = await project();
    const config = path.join(folder, ".git/config");
    const before = readFileSync(config, "utf8");
    const { child, said, ended } = desk.start([
      "run",
      "-m",
      `${folder}:rw`,
      "sh",
      "-c",
      "echo up; read x; echo evil >>.git/config",
    ]);
    await said("up");
    await desk.outside(["git", "config", "core.editor", "hosts"], { cwd: folder });
    child.stdin?.end("\n");
    const { stderr } = await ended;
    expect(readFileSync(config, "utf8")).toBe(before);
    const [, kept = ""] = /It lies in ([^;]*)/.exec(stderr) ?? [];
    expect(readFileSync(kept, "utf8")).toContain("hosts");
    expect(stderr).toContain("if you changed it yourself, copy it back from there");
  });

  test("killed with its Workcell: the next run takes out what it left, and not what came later", async () => {
    const folder = await project();
    const { child, said, ended } = desk.start([
      "run",
      "-m",
      `${folder}:rw`,
      "sh",
      "-c",
      "mkdir .idea .zed; : >.idea/x; sleep 0.1; : >.zed/x; echo up; sleep 60",
    ]);
    await said("up");
    child.kill("SIGKILL");
    await ended;
    const [guard = ""] = readdirSync(path.join(desk.state, "guards")).map((name) =>
      path.join(desk.state, "guards", name),
    );
    expect(existsSync(guard)).toBe(true);
    const { stderr } = await desk.run(["true"]);
    expect(["idea/x", "zed/x"].filter((place) => existsSync(path.join(folder, `.${place}`)))).toEqual([]);
    expect(stderr).toContain("Left by the killed session");
    expect(readdirSync(path.join(desk.state, "guards"))).toEqual([]);
  });

  test("20 cells at once: nothing planted is left, nothing of the person's is lost", async () => {
    const folder = await project();
    const before = snapshot(path.join(folder, ".git"));
    const settings = readFileSync(path.join(folder, ".vscode/settings.json"), "utf8");
    const script = (n: number) =>
      `mkdir -p d${n}/.idea .zed; echo x >d${n}/.idea/x; echo x >.zed/x; echo x >>.bashrc; echo x >>.git/config; echo ok >d${n}/work; sleep 0.3; echo x >.zed/y`;
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        desk.run(["-m", `${folder}:rw`, "sh", "-c", `{ ${script(n)}; } 2>/dev/null; true`], {
          within: 60_000,
        }),
      ),
    );
    expect(all.map(({ code }) => code)).toEqual(Array(20).fill(0));
    const left = readdirSync(folder).sort();
    expect(left).toEqual(
      [".git", ".vscode", ...Array.from({ length: 20 }, (_, n) => `d${n}`), "file"].sort(),
    );
    for (let n = 0; n < 20; n += 1) expect(readdirSync(path.join(folder, `d${n}`))).toEqual(["work"]);
    expect(snapshot(path.join(folder, ".git"))).toEqual(before);
    expect(readFileSync(path.join(folder, ".vscode/settings.json"), "utf8")).toBe(settings);
  });
});
