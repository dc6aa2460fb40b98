import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people, processesWith, until } from "../helpers/run-workcell.ts";

/** The names in a folder; of one that is not there, none. */
const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);
const modeOf = (file: string) => (statSync(file).mode & 0o7777).toString(8);

describe.each(people)("sessions of workcell run as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const sessions = () => path.join(desk.state, "sessions");
  const sessionOf = (name: string) => path.join(sessions(), name);
  const theCellOf = (name: string) =>
    path.join(sessionOf(name), "cells", readdirSync(path.join(sessionOf(name), "cells"))[0] ?? "");

  test("a run without a name gets a fresh one; its home and /tmp go with it, and its records stay", async () => {
    const script =
      "echo x >~/file; echo x >/tmp/file; mkdir -p ~/deep/er; chmod 0 ~/deep; echo $WORKCELL_SESSION";
    const names = [];
    for (let times = 0; times < 3; times++) {
      const { stdout, code } = await desk.run(["sh", "-c", script]);
      const name = stdout.trim();
      names.push(name);
      expect([code, name]).toEqual([0, expect.stringMatching(/^[a-z]+-[a-z]+-[a-z]+$/)]);
      expect(namesIn(sessionOf(name))).toEqual(["cells", "session.json"]);
      expect(namesIn(theCellOf(name))).toEqual(expect.arrayContaining(["outcome.json", "plan.json"]));
      expect(modeOf(sessionOf(name))).toBe("700");
      expect(modeOf(path.join(theCellOf(name), "plan.json"))).toBe("600");
      const outcome = JSON.parse(readFileSync(path.join(theCellOf(name), "outcome.json"), "utf8"));
      expect(outcome).toMatchObject({ status: "exited", exitCode: 0, session: name });
      expect(path.basename(theCellOf(name))).toBe(outcome.cell);
    }
    expect(new Set(names).size).toBe(3);
    expect(namesIn(path.join(desk.state, "running"))).toEqual([]);
    expect(namesIn(path.join(desk.state, "uids"))).toEqual([]);
  });

  test("what a run wrote is there while it runs, and gone after it", async () => {
    const { child, said, ended } = desk.start([
      "run",
      "sh",
      "-c",
      "echo x >~/file; echo $WORKCELL_SESSION; read x",
    ]);
    await said("\n");
    const [name = ""] = namesIn(sessions()).filter((one) => existsSync(path.join(sessionOf(one), "home")));
    expect(readFileSync(path.join(sessionOf(name), "home/file"), "utf8")).toBe("x\n");
    expect(namesIn(path.join(desk.state, "running"))).toHaveLength(1);
    child.stdin?.end("\n");
    expect((await ended).code).toBe(0);
    expect(existsSync(path.join(sessionOf(name), "home"))).toBe(false);
  });

  test("a command that never started leaves no home, and one that Workcell could not start no session", async () => {
    const before = namesIn(sessions());
    expect((await desk.run(["no-such-program"])).code).toBe(127);
    const fresh = namesIn(sessions()).filter((name) => !before.includes(name));
    expect(fresh).toHaveLength(1);
    expect(namesIn(sessionOf(fresh[0] ?? ""))).toEqual(["cells", "session.json"]);
    const broken = await desk.run(["-w", "/no/such/folder", "true"]);
    expect([broken.code, namesIn(sessions())]).toEqual([125, [...before, ...fresh].sort()]);
    expect(broken.stderr).toContain("/no/such/folder");
    expect(namesIn(path.join(desk.state, "running"))).toEqual([]);
  });

  test("a sandbox that cannot be built: its words, 125, at once, and nothing stays", async () => {
    const before = namesIn(sessions());
    desk.folder("broken");
    desk.file("broken/bwrap", "#!/bin/sh\necho it broke >&2\nexit 1\n", 0o755);
    const env = { PATH: `${path.join(desk.home, "../broken")}:${process.env["PATH"]}` };
    const ended = await desk.run(["true"], { env, within: 10_000 });
    expect([ended.code, ended.stdout]).toEqual([125, ""]);
    expect(ended.stderr).toMatch(/^workcell: Cannot start the cell .*\n {2}remedy: .*\n$/);
    expect([namesIn(sessions()), namesIn(path.join(desk.state, "running"))]).toEqual([before, []]);
  });

  test("no value of -e is on disk or on a command line, while the command has it", async () => {
    const secret = `s3cret-${process.pid}-${Math.random()}`;
    const words = ["-e", `TOKEN=${secret}`, "-e", "PASSED", "sh", "-c", "echo $TOKEN $PASSED; read x"];
    const { child, said, ended } = desk.start(["run", ...words], { env: { PASSED: `${secret}-too` } });
    await said(`${secret} ${secret}-too`);
    // The control: workcell's own words are seen, where the person put the value there.
    expect(processesWith(secret)).toEqual([child.pid]);
    child.stdin?.end("\n");
    await ended;
    const search = (text: string) => desk.outside(["grep", "-rl", text, desk.state]);
    expect((await search(secret)).stdout).toBe("");
    expect((await search('"TOKEN","value":"(not recorded)"')).stdout).toMatch(/plan\.json\n$/);
  });

  test("a named session is durable: its home and its user are the same in the next run", async () => {
    const named = ["--session", "long-lived-noether", "sh", "-c"];
    const first = await desk.run([...named, "echo kept >~/file; id -u; id -un; pwd"]);
    const second = await desk.run([...named, "cat ~/file; id -u; id -un; pwd"]);
    expect(second.stdout).toBe(`kept\n${first.stdout}`);
    expect(first.stdout).toMatch(/^\d+\nlong-lived-noether\n\/sessions\/long-lived-noether\n$/);
    // What root's cell writes never belongs to the host's root: the session has a user of its own.
    const record = JSON.parse(
      readFileSync(path.join(sessionOf("long-lived-noether"), "session.json"), "utf8"),
    );
    expect(record).toMatchObject({ name: "long-lived-noether", durable: true });
    if (person.uid === undefined && process.getuid?.() === 0)
      expect(record.uid).toBeGreaterThanOrEqual(1_900_000_000);
    else expect(record.uid).toBeUndefined();
    expect(namesIn(path.join(sessionOf("long-lived-noether"), "cells"))).toHaveLength(2);
  });

  test("two runs in one session at once share its home, and nothing else", async () => {
    const named = ["run", "--session", "shared-one", "bash", "-c"];
    const look =
      "exec 3<>/dev/tcp/127.0.0.1/3128 && echo reached; pgrep -f '[f]irst-is-up' || pgrep -fc '[/]dev/tcp'";
    const first = desk.start([...named, "echo from-first >~/first; echo first-is-up; read x; cat ~/second"]);
    await first.said("first-is-up");
    const second = await desk.workcell([...named, `cat ~/first; echo from-second >~/second; ${look}`]);
    // It sees no process of the first's; the control is that it finds its own in the same way.
    expect(second.stdout).toMatch(/^from-first\nreached\n[1-9]\n$/);
    first.child.stdin?.end("\n");
    const { code, stdout } = await first.ended;
    expect([code, stdout]).toEqual([0, "first-is-up\nfrom-second\n"]);
  });

  test.runIf(existsSync("/usr/bin/apt-get"))(
    "what Workcell makes in a session's home follows no link that a cell has laid there",
    async () => {
      const victim = desk.folder("victim");
      const named = ["--session", "trap-layer", "--preset", "apt", "sh", "-c"];
      // The control: without a link the folder is there, and the session's own.
      const partial = "~/.local/state/apt/lists/partial";
      expect((await desk.run([...named, `stat -c %U ${partial}`])).stdout).toBe("trap-layer\n");
      for (const [from, to] of [
        ["~/.local", victim],
        ["~/.local", path.join("/proc/1/root", victim)],
        [partial, victim],
      ]) {
        const lay = `rm -rf ~/.local; mkdir -p "$(dirname ${from})"; ln -s ${to} ${from}`;
        expect((await desk.run([...named, lay])).code).toBe(0);
        const before = statSync(victim);
        expect((await desk.run([...named, "true"])).code).toBe(0);
        expect(statSync(victim)).toMatchObject({ uid: before.uid, gid: before.gid, mode: before.mode });
        expect(namesIn(victim)).toEqual([]);
      }
    },
  );

  test("a run that was killed is swept by the next start, and one that lives is not", async () => {
    const words = ["run", "sh", "-c", "echo x >~/file; echo up; read x; cat ~/file"];
    const [killed, living] = [desk.start(words), desk.start(words)];
    await Promise.all([killed.said("up"), living.said("up")]);
    const homes = () =>
      namesIn(sessions()).filter((name) => existsSync(path.join(sessionOf(name), "home/file")));
    const fresh = homes().filter((name) => /^\w+-\w+-\w+$/.test(name) && name !== "long-lived-noether");
    expect(fresh).toHaveLength(2);
    killed.child.kill("SIGKILL");
    await killed.ended;
    expect(namesIn(path.join(desk.state, "running"))).toHaveLength(2);
    expect((await desk.run(["true"])).code).toBe(0);
    const left = homes().filter((name) => fresh.includes(name));
    expect(left).toHaveLength(1);
    const [gone = ""] = fresh.filter((name) => !left.includes(name));
    expect(namesIn(sessionOf(gone))).toEqual(["cells", "session.json"]);
    expect(namesIn(path.join(desk.state, "running"))).toHaveLength(1);
    living.child.stdin?.end("\n");
    expect((await living.ended).stdout).toBe("up\nx\n");
  });

  test("a durable session whose run was killed keeps its home", async () => {
    const named = ["run", "--session", "kept-one", "sh", "-c"];
    const { child, said, ended } = desk.start([...named, "echo x >~/file; echo up; read x"]);
    await said("up");
    child.kill("SIGKILL");
    await ended;
    await until(() => processesWith("kept-one").length === 0, 2000);
    expect((await desk.run(["true"])).code).toBe(0);
    expect((await desk.workcell([...named, "cat ~/file"])).stdout).toBe("x\n");
  });

  test.each(["", ".", "..", "../x", "a/b", "A", "a b", "-a", "a-", "a--b", "ü", "a\nb", "x".repeat(65)])(
    "the name %j is refused",
    async (name) => {
      const before = namesIn(sessions());
      const ended = await desk.run([`--session=${name}`, "true"]);
      expect([ended.code, ended.stdout]).toEqual([125, ""]);
      expect(ended.stderr).toMatch(
        /^workcell: .*session.* \(flag --session\).*\n {2}remedy: .*brave-loving-maxwell\n$/,
      );
      expect(namesIn(sessions())).toEqual(before);
    },
  );

  test("records of the oldest sessions go when there are very many", async () => {
    const home = desk.folder("crowd");
    const make = 'mkdir -p .local/state/workcell/sessions && cd "$_" && mkdir $(seq -f old-session-%g 260)';
    expect((await desk.outside(["bash", "-c", make], { cwd: home })).code).toBe(0);
    const count = () => namesIn(path.join(home, ".local/state/workcell/sessions")).length;
    // A few with every run, so that none waits for all of them: fewer than before, though each run adds its own.
    for (const before of [260, 258, 256]) {
      expect((await desk.run(["true"], { env: { HOME: home }, cwd: home })).code).toBe(0);
      expect(count()).toBeLessThan(before);
    }
  });
});
