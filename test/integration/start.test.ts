import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
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
