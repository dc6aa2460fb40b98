import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const isRoot = process.getuid?.() === 0;
/** A port that nobody listens on: the job has to do without a registry, and the test without a network. */
const noRegistry = "http://127.0.0.1:1/";
const ordinary = isRoot ? { uid: 54321, gid: 54321 } : {};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "workcell-start-"));
  chmodSync(folder, 0o755);
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A machine as `npm start` sees it: PATH holds Node and these programs, each a shell script. */
function makeMachine(programs: Readonly<Record<string, string>>): string {
  const bin = path.join(folder, "bin");
  mkdirSync(bin);
  symlinkSync(process.execPath, path.join(bin, "node"));
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return bin;
}

/** The scripts of a fresh clone: no dependencies, no build. */
function makeClone(): string {
  const clone = path.join(folder, "clone");
  cpSync(path.join(root, "scripts"), path.join(clone, "scripts"), { recursive: true });
  return clone;
}

function start(
  clone: string,
  env: Readonly<Record<string, string>>,
  identity: { uid?: number; gid?: number },
) {
  const program = path.join(clone, "scripts/start.mjs");
  return spawnSync(process.execPath, [program], { cwd: folder, env, ...identity, encoding: "utf8" });
}

describe("npm start without what it needs", () => {
  test("as an ordinary user: prints the one line to run, changes nothing and exits 125", () => {
    const bin = makeMachine({
      "apt-get": `echo "$@" >>${folder}/called`,
      sudo: `echo "$@" >>${folder}/called`,
    });
    const clone = makeClone();
    const ended = start(clone, { PATH: bin, HOME: folder }, ordinary);
    expect(ended.stderr.split("\n").map((line) => line.trim())).toContain(
      "sudo apt-get install -y --no-install-recommends bubblewrap socat bash musl-tools libc6-dev",
    );
    expect({ code: ended.status, stdout: ended.stdout }).toEqual({ code: 125, stdout: "" });
    expect(readdirSync(clone)).toEqual(["scripts"]);
    expect(existsSync(path.join(folder, "called"))).toBe(false);
  });

  test("in a container without user namespaces: names that, and the option to start it with", () => {
    const bin = makeMachine({
      bwrap: "echo 'bwrap: No permissions to create new namespace' >&2; exit 1",
      ...{ socat: "", bash: "", gcc: "" },
    });
    const ended = start(makeClone(), { PATH: bin, HOME: folder, container: "podman" }, ordinary);
    expect(ended.status).toBe(125);
    expect(ended.stderr).toContain("does not let an ordinary user make user namespaces");
    expect(ended.stderr).toMatch(
      /Start the container with: (podman|docker) run --security-opt seccomp=unconfined/,
    );
    expect(ended.stderr).toContain("bwrap said: bwrap: No permissions to create new namespace");
  });

  test.runIf(isRoot)("as root: fetches the package lists only after an install has failed", () => {
    const bin = makeMachine({
      "apt-get": [
        `echo "$*" >>${folder}/called`,
        `[ "$1" = update ] && echo fresh >${folder}/lists`,
        `[ -e ${folder}/lists ] || exit 100`,
        `for program in socat bash musl-gcc; do echo '#!/bin/sh' >${folder}/bin/$program; done`,
        `echo '#!/bin/sh' >${folder}/bin/bwrap; echo 'exit 1' >>${folder}/bin/bwrap`,
        `/bin/chmod 755 ${folder}/bin/*`,
      ].join("\n"),
    });
    const ended = start(makeClone(), { PATH: bin, HOME: folder }, {});
    const words = "install -y --no-install-recommends bubblewrap socat bash musl-tools libc6-dev";
    expect(execFileSync("cat", [path.join(folder, "called")], { encoding: "utf8" })).toBe(
      `${words}\nupdate\n${words}\n`,
    );
    // The bwrap that was installed refuses, which is the next thing to be said.
    expect(ended.stderr).toContain("user namespaces");
  });
});

/** Whether somebody else can run this checkout; one below /root they cannot. */
function isOpenToAll(): boolean {
  return (
    spawnSync("test", ["-r", path.join(root, "dist/workcell.js")], { cwd: "/", ...ordinary }).status === 0
  );
}

const gitStatus = () => execFileSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" });

describe.each([
  ["as it is", {}],
  ["as an ordinary user", ordinary],
])("npm start %s, without a registry", (_, identity) => {
  test.runIf(isOpenToAll())("does the job, and each line says what was seen", () => {
    const state = path.join(folder, "state");
    mkdirSync(state);
    if (identity.uid !== undefined) chownSync(state, identity.uid, identity.uid);
    const before = gitStatus();
    const env = { PATH: process.env["PATH"] ?? "", HOME: state, npm_config_registry: noRegistry };
    const ended = start(root, env, identity);
    const lines = ended.stdout.split("\n");
    expect({ code: ended.status, stderr: ended.stderr }).toEqual({ code: 0, stderr: "" });
    expect(lines[1]).toMatch(/^\[2\/5\] build {4}/);
    expect(lines[3]).toMatch(
      /^\[4\/5\] job {6}session [a-z]+-[a-z]+-[a-z]+, profile cowork, folder examples\/first-job in review$/,
    );
    expect(lines[5]).toBe(
      "  skipped  npm install              the configured registry did not answer: ECONNREFUSED",
    );
    expect(lines[6]).toMatch(
      /^ {2}ok {7}npm run summarize {8}2 files read, summary\.md written, without is-number/,
    );
    expect(lines[7]).toMatch(
      /^ {2}refused {2}post to collect\.example {2}gate: not among \d+ allowed hosts? \(/,
    );
    expect(lines[8]).toBe(`${" ".repeat(36)}to allow it: workcell run --allow-host collect.example`);
    expect(lines[9]).toMatch(
      /^ {2}hidden {3}decoy id_ed25519 {9}the host's home is not in the cell \(control: /,
    );
    expect(lines[10]).toBe(`${" ".repeat(36)}a decoy: ${state}/.local/state/workcell/decoy/id_ed25519`);
    expect(lines[11]).toMatch(
      /^ {2}waiting {2}workcell diff {12}\d+ changes and \d+ ignored paths wait; the folder is as it was$/,
    );
    expect(lines[12]).toMatch(/^ {2}applied {2}workcell apply {11}\d+ paths, as step 1$/);
    expect(lines[13]).toBe(
      "  undone   workcell undo            attempts.json is out of the folder again, the rest stays",
    );
    expect(lines[15]).toMatch(
      /^\[5\/5\] agent {4}session [a-z]+-[a-z]+-[a-z]+, the built-in agent: "make the failing/,
    );
    const calls = lines.slice(17, 26).map((line) => /^ {2}agent {4}(\w+) /.exec(line)?.[1]);
    expect(calls.sort()).toEqual(["Bash", "Bash", "Edit", "Glob", "Grep", "Read", "Read", "Task", "Write"]);
    expect(lines[26]).toMatch(
      /^ {2}ok {7}task {21}done; the model that answered is scripted: a script, no AI/,
    );
    expect(lines[27]).toBe("  waiting  workcell diff            1 added, 1 changed; the folder is as it was");
    expect(lines[28]).toMatch(/^ {2}applied {2}workcell apply {11}2 paths, as step 1$/);
    expect(lines[30]).toMatch(
      /^Reference {2}\d+ match · 0 differ · \d+ host · \d+ not applicable · \d+ not built {2}/,
    );
    // A registry that does not answer may be asked again: each time is a decision, and none a refusal.
    expect(lines[31]).toMatch(/^Audit {6}\d decisions? of the job, 1 refused, chain intact {2}/);
    expect(ended.stdout).not.toContain("\x1b");
    expect(gitStatus()).toBe(before);
  });
});
