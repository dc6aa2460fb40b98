import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../helpers/cell.ts";
import { type Desk, type Ended, makeDesk, people } from "../helpers/run-workcell.ts";

/** What befell others, and belongs to a room that is not built yet. What is built of it stands below as a test. */
const later: Readonly<Record<string, string>> = {
  I1: "whose account an allowed host is spoken to with: credentials held at the gate",
  I11: "deletions that wait for the person, and undo: review folders; ro is tried below",
  I12: "placeholders of a cloud folder that are copied as empty files: review folders",
  I13: "tools of the host's that a text can trigger: MCP servers",
  I14: "a request file that a program of the person's executes: protected paths of review folders; Workcell's own part is tried below",
  I16: "a browser that any process of the person's may drive: Claude in Chrome; the gate's own sockets are tried below",
};

const itself = readFileSync(import.meta.filename, "utf8");

test("every incident is tried here, or stands among what comes later", () => {
  const tried = [...itself.matchAll(/^ {2}test(?:\.skipIf\(.*\))?\("?(I\d+):/gm)].map(([, id = ""]) => id);
  const all = Array.from({ length: 18 }, (_, index) => `I${index + 1}`);
  expect(all.filter((id) => !tried.includes(id) && !(id in later))).toEqual([]);
});

/** Says which of the acts went through. In a shell each: none of them may end the script. */
const tries = (acts: Readonly<Record<string, string>>) =>
  Object.entries(acts)
    .map(([name, act]) => `(${act}) </dev/null >/dev/null 2>&1 && echo '${name}'`)
    .concat("true")
    .join("\n");
const said = ({ stdout }: Ended) => stdout.trimEnd();

let asked: string[] = [];
const server = http.createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  response.end("reached\n");
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

/** Bytes that a shell's printf writes. */
const octal = (bytes: Buffer) => [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");

describe.skipIf(lacking({}).length > 0).each(people)("incidents, as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());
  const bash = (script: string) => ["bash", "-c", script];
  const get = `socat -t5 - TCP:127.0.0.1:3128 <<< $'GET http://127.0.0.1:PORT/ HTTP/1.1\\r\\nHost: 127.0.0.1:PORT\\r\\nConnection: close\\r\\n\\r'`;
  const getIt = () => bash(get.replaceAll("PORT", `${port}`));

  test("I2: the host's root is not shared, and there is no way to more of the kernel", async () => {
    const secret = desk.file("host-secret", "kept\n");
    const acts = tries({
      "read files of the host": `cat ${secret} || cat /proc/1/root${secret}`,
      "make a user namespace": "unshare -Ur true",
      "speak with the packet filter": `perl -e 'use Socket; socket(my $s, 16, SOCK_RAW, 12) or exit 1'`,
    });
    expect(said(await desk.run(bash(acts)))).toBe("");
    const control = said(await desk.outside(bash(acts))).split("\n");
    expect(control).toEqual([
      "read files of the host",
      "make a user namespace",
      "speak with the packet filter",
    ]);
  });

  test("I3: a command that is asked for cloud credentials finds none, and can post nowhere", async () => {
    desk.folder("home/.aws");
    const file = desk.file("home/.aws/credentials", "aws_secret_access_key = kept\n", 0o600);
    const acts = tries({
      "read the file": `grep -q kept ${file} || grep -q kept ~/.aws/credentials`,
      "read the variable": 'test -n "$AWS_SECRET_ACCESS_KEY"',
      "post it": `curl -sf --max-time 5 -d kept http://127.0.0.1:${port}/`,
    });
    const env = { AWS_SECRET_ACCESS_KEY: "kept" };
    asked = [];
    expect(said(await desk.run(bash(acts), { env }))).toBe("");
    expect(asked).toEqual([]);
    const control = said(await desk.outside(bash(acts), { env }));
    expect(control.split("\n")).toEqual(["read the file", "read the variable", "post it"]);
  });

  test("I4: a folder's own configuration runs nothing before, and nothing beside, the command", async () => {
    const folder = desk.folder("cloned");
    const [mark, watch] = [path.join(folder, "ran"), desk.file("cloned/watch", "#!/bin/sh\n: >ran\n", 0o755)];
    await desk.outside(["git", "init", "-q", folder], { cwd: folder });
    await desk.outside(["git", "-C", folder, "config", "core.fsmonitor", watch], { cwd: folder });
    desk.file("cloned/.workcell.json", JSON.stringify({ network: { allow: [`127.0.0.1:${port}`] } }));
    const flags = ["--preset", "git,npm", "-m", `${folder}:ro`];
    asked = [];
    const ended = await desk.run([...flags, ...getIt()], { cwd: folder });
    expect([existsSync(mark), asked, ended.stdout.includes("403")]).toEqual([false, [], true]);
    expect(ended.stderr).toContain("is not used: run workcell trust");
    // Control: git itself runs it.
    await desk.outside(["git", "-C", folder, "status"], { cwd: folder });
    expect(existsSync(mark)).toBe(true);
  });

  test("I5: settings that did not exist, and that a command makes, count for nothing", async () => {
    const folder = desk.folder("settings-made");
    const [own, made] = [
      path.join(desk.home, ".config/workcell/settings.json"),
      path.join(folder, ".workcell.json"),
    ];
    const settings = JSON.stringify({ network: { allow: [`127.0.0.1:${port}`] } });
    const script = `printf %s '${settings}' >${made}; mkdir -p $(dirname ${own}) && printf %s '${settings}' >${own}`;
    await desk.run(["-m", `${folder}:rw`, ...bash(script)], { cwd: folder });
    expect([existsSync(made), existsSync(own)]).toEqual([false, false]);
    // A person who lets it stand has not agreed to what it says.
    await desk.run(["-m", `${folder}:rw`, "--allow-path", made, ...bash(script)], { cwd: folder });
    expect([readFileSync(made, "utf8"), existsSync(own)]).toEqual([settings, false]);
    asked = [];
    const flags = ["-m", `${folder}:rw`];
    await desk.run([...flags, ...getIt()], { cwd: folder });
    expect(asked).toEqual([]);
    // Control: the same content counts once the person agreed to it.
    expect((await desk.workcell(["trust", "--yes", folder], { cwd: folder })).code).toBe(0);
    await desk.run([...flags, ...getIt()], { cwd: folder });
    expect(asked).toEqual(["GET /"]);
  });

  test("I6: a link that a command made is not written through by what runs outside", async () => {
    const folder = desk.folder("links");
    const victim = desk.file("victim", "kept\n");
    const [outcome, audit] = [path.join(folder, "outcome.json"), path.join(folder, "audit.jsonl")];
    const script = `ln -s ${victim} ${outcome}; ln -s ${victim} ${audit}`;
    const flags = ["-m", `${folder}:rw`, "--outcome", outcome, "--audit", audit];
    await desk.run([...flags, ...bash(script)]);
    expect(readFileSync(victim, "utf8")).toBe("kept\n");
    // Control: such a link leads there, for who follows it.
    rmSync(outcome, { force: true });
    symlinkSync(victim, outcome);
    writeFileSync(outcome, "lost\n");
    expect(readFileSync(victim, "utf8")).toBe("lost\n");
  });

  test("I7: an empty list of hosts allows nothing", async () => {
    const settings = (allow: readonly string[]) =>
      desk.file("hosts.json", JSON.stringify({ network: { allow } }));
    asked = [];
    const empty = await desk.run(["--settings", settings([]), ...getIt()]);
    expect([asked, empty.stdout]).toEqual([
      [],
      expect.stringMatching(/^HTTP\/1\.1 403 .*not among 0 allowed hosts/),
    ]);
    await desk.run(["--settings", settings([`127.0.0.1:${port}`]), ...getIt()]);
    expect(asked).toEqual(["GET /"]);
  });

  test("I8: a host name with a zero byte in it is no name that a rule matches", async () => {
    const request = (host: string) => {
      const bytes = Buffer.from([
        5,
        1,
        0,
        5,
        1,
        0,
        3,
        host.length,
        ...Buffer.from(host, "latin1"),
        port >> 8,
        port & 255,
      ]);
      const plain = `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      return bash(
        `(printf '${octal(bytes)}'; sleep 1; printf '${octal(Buffer.from(plain))}') | socat -t2 - TCP:127.0.0.1:1080 | tr -d '\\0'`,
      );
    };
    const flags = ["--allow-host", `*.allowed.example:${port}`, "--allow-host", `localhost:${port}`];
    asked = [];
    for (const host of ["127.0.0.1\0.allowed.example", "localhost\0", "127.0.0.1\0localhost"])
      await desk.run([...flags, ...request(host)]);
    expect(asked).toEqual([]);
    await desk.run([...flags, ...request("localhost")]);
    expect(asked).toEqual(["GET /"]);
  });

  test("I9: what is hidden is hidden by every spelling, and no word inside switches that off", async () => {
    const secret = desk.file("hidden", "kept\n");
    const acts = tries({
      "by its path": `grep kept ${secret}`,
      "by the own root": `grep kept /proc/self/root${secret}`,
      "by the root of another program": `grep kept /proc/$$/root${secret}`,
      "by a copy of the program": `cp "$(command -v grep)" /tmp/copied-${process.pid} && /tmp/copied-${process.pid} kept ${secret}; code=$?; rm -f /tmp/copied-${process.pid}; exit $code`,
      "by an interpreter": `perl -ne 'exit !/kept/' ${secret} && perl -e 'exit !open(F, shift)' ${secret}`,
      "by the dynamic linker": `$(ls /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.* 2>/dev/null | head -n1) "$(command -v grep)" kept ${secret}`,
    });
    const off = "export WORKCELL_PROFILE=none WORKCELL_TIER=none dangerouslyDisableSandbox=true\n";
    expect(said(await desk.run(bash(off + acts)))).toBe("");
    expect(said(await desk.outside(bash(acts))).split("\n")).toHaveLength(6);
  });

  test("I10: no name is asked for but by the gate", async () => {
    const heard: string[] = [];
    const { createSocket } = await import("node:dgram");
    const socket = createSocket("udp4").on("message", (message) => void heard.push(`${message}`));
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const ask = (word: string) =>
      bash(
        `echo -n ${word} >/dev/udp/127.0.0.1/${socket.address().port}; getent hosts localhost.example; true`,
      );
    await desk.run(ask("inside"));
    await desk.outside(ask("outside"));
    await expect.poll(() => heard, { timeout: 15_000 }).toEqual(["outside"]);
    socket.close();
  });

  test("I11: a folder that is connected ro loses nothing to rm -rf", async () => {
    const folder = desk.folder("photos");
    const file = desk.file("photos/one", "kept\n");
    const remove = (mode: string) =>
      desk.run(["-m", `${folder}:${mode}`, ...bash(`rm -rf ${folder}/*; true`)]);
    await remove("ro");
    expect(readFileSync(file, "utf8")).toBe("kept\n");
    await remove("rw");
    expect(existsSync(file)).toBe(false);
  });

  test("I14: a program that a command laid into a connected folder is not started by Workcell", async () => {
    const [folder, mark] = [desk.folder("laid"), path.join(desk.home, "ran")];
    const names = ["bwrap", "socat", "bash", "npm", "git", "getconf"];
    const lay = names.map(
      (name) => `printf '#!/bin/sh\\n: >${mark}\\n' >${folder}/${name}; chmod +x ${folder}/${name}`,
    );
    await desk.run(["-m", `${folder}:rw`, ...bash(lay.join("\n"))]);
    const env = { PATH: `${folder}:${process.env["PATH"]}` };
    const ended = await desk.run(["-m", `${folder}:rw`, "--preset", "npm,git", "/bin/echo", "ran"], { env });
    expect([existsSync(mark), ended.code, ended.stdout]).toEqual([false, 0, "ran\n"]);
    // Control: whoever trusts that PATH starts it.
    await desk.outside(["/bin/sh", "-c", "git"], { env });
    expect(existsSync(mark)).toBe(true);
  });

  test("I15: no host is allowed but by a rule that is shown, with where it comes from", async () => {
    const rules = async (...flags: readonly string[]) => {
      const { stdout } = await desk.run(["--explain", ...flags, "true"]);
      return [...stdout.matchAll(/^ {2}allow +(.+)$/gm)].map(([, rule = ""]) => rule.trim());
    };
    expect(await rules()).toEqual([]);
    expect(await rules("--allow-host", "one.example")).toEqual([
      expect.stringMatching(/^one\.example .*--allow-host$/),
    ]);
    const cowork = await rules("--profile", "cowork");
    expect(cowork.filter((rule) => !/profile cowork, preset (npm|pip|apt|git)/.test(rule))).toEqual([]);
    expect(cowork.length).toBeGreaterThan(0);
  });

  const isRoot = process.getuid?.() === 0;
  test.skipIf(!isRoot)(
    "I16: another user of the machine cannot speak with a cell's gate (needs root)",
    async () => {
      const {
        child,
        said: says,
        ended,
      } = desk.start(["run", "--tunnel", "socat", ...bash("echo up; read x")]);
      await says("up\n");
      const sessions = path.join(desk.state, "sessions");
      const sockets = readdirSync(sessions, { recursive: true, encoding: "utf8" })
        .filter((name) => /\/claude-http-[0-9a-f]+\.sock$/.test(name))
        .map((name) => path.join(sessions, name));
      const connect = (file: string, uid: number) =>
        spawnSync("socat", ["-t2", "-", `UNIX-CONNECT:${file}`], {
          uid,
          gid: uid,
          input: "x\r\n\r\n",
          encoding: "utf8",
        });
      expect(sockets).toHaveLength(1);
      for (const socket of sockets) {
        // The path itself is longer than an address may be.
        const file = path.join(desk.folder("gate"), "http");
        symlinkSync(socket, file);
        expect(connect(file, 54_399)).toMatchObject({
          stdout: "",
          stderr: expect.stringContaining("Permission denied"),
        });
        // Control: the person can.
        expect(connect(file, person.uid ?? 0).stdout).toMatch(/^HTTP\/1\.1 400 /);
      }
      child.stdin?.end("\n");
      expect((await ended).code).toBe(0);
    },
  );

  test("I17: what cannot be read is not taken for empty and written over", async () => {
    const folder = desk.folder("wiped");
    desk.file("wiped/.workcell.json", '{"timeout":"5m"}');
    const trust = () => desk.workcell(["trust", "--yes", folder], { cwd: folder });
    const file = path.join(desk.state, "trust.json");
    rmSync(file, { force: true });
    expect((await trust()).code).toBe(0);
    const whole = readFileSync(file, "utf8");
    for (const damaged of ["", whole.slice(0, whole.length / 2)]) {
      writeFileSync(file, damaged, { mode: 0o600 });
      const ended = await trust();
      expect([ended.code, readFileSync(file, "utf8")]).toEqual([125, damaged]);
    }
    rmSync(file);
    expect((await trust()).code).toBe(0);
  });

  test("I18: ro is held outside of the cell's reach, and a name is no prefix of another", async () => {
    const [folder, neighbour] = [desk.folder("scope"), desk.folder("scope-secret")];
    desk.file("scope-secret/file", "kept\n");
    const script = `mount -o remount,rw,bind ${folder}; echo x >${folder}/new; cat ${neighbour}/file`;
    const ended = await desk.run(["-m", `${folder}:ro`, ...bash(`{ ${script}; } 2>/dev/null; true`)]);
    expect([ended.stdout, existsSync(path.join(folder, "new"))]).toEqual(["", false]);
    const agree = async (place: string) => {
      desk.file("scope/.workcell.json", JSON.stringify({ mounts: [`${place}:rw`] }));
      return (await desk.workcell(["trust", "--yes", folder], { cwd: folder })).code;
    };
    expect([await agree(neighbour), await agree(desk.folder("scope/sub"))]).toEqual([125, 0]);
    // Control: connected rw, the folder can be written.
    await desk.run(["-m", `${folder}:rw`, ...bash(`echo x >${folder}/new`)]);
    expect(existsSync(path.join(folder, "new"))).toBe(true);
  });
});
