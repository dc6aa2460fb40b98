import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";

const MIB = 1024 ** 2;
const limit = 256 * MIB;
const most = limit + 192 * MIB;
const fixture = path.resolve(import.meta.dirname, "../fixtures/watched-cell.ts");
const node = process.execPath;
let program = "";

beforeAll(async () => {
  const folder = mkdtempSync("/tmp/workcell-watched-");
  chmodSync(folder, 0o755);
  program = path.join(folder, "watched-cell.mjs");
  await build({ entryPoints: [fixture], bundle: true, platform: "node", format: "esm", outfile: program });
  return () => rmSync(folder, { recursive: true });
});

interface Seen {
  readonly code: number | null;
  readonly stdout: string;
  readonly usedBytes: number | null;
  readonly lost: string | null;
  readonly cpuMs: number;
}

const asUser = ["--reuid", "54321", "--regid", "54321", "--clear-groups"];

function watched(script: string, user: boolean): Seen {
  const argv = [node, program, `${limit}`, script];
  const [file = "", ...args] = user ? ["setpriv", ...asUser, ...argv] : argv;
  return JSON.parse(execFileSync(file, args, { encoding: "utf8", cwd: "/", timeout: 30_000 }));
}

/** perl is in every distribution's base, and holds exactly what it is told to. */
const anonymous = (mebibytes: number) => `perl -e '$x = "x" x (${mebibytes} << 20); print length $x'`;
const inShm = (mebibytes: number) =>
  `dd if=/dev/zero of=/dev/shm/f bs=1M count=${mebibytes} status=none; sleep 0.3; echo held`;
const MEMFD_CREATE = process.arch === "x64" ? 319 : 279;
/** Written and never mapped: in no process's pages. */
const inMemfd = (mebibytes: number) =>
  `perl -e 'my $n = "m"; my $f = syscall(${MEMFD_CREATE}, $n, 0); open(my $h, ">&=", $f); my $b = "x" x (1 << 20); for (1..${mebibytes}) { syswrite $h, $b } select undef, undef, undef, 0.5; print "held"'`;
/** Written and detached from: in no process at all. */
const inSegments = (mebibytes: number) =>
  `perl -e 'my $b = "x" x (32 << 20); for (1..${mebibytes / 32}) { my $i = shmget(0, 32 << 20, 0600); shmwrite($i, $b, 0, 32 << 20) } undef $b; select undef, undef, undef, 0.6; print "held"'`;
/** Four processes with the same pages (perl makes two copies of them), which are one time the memory. */
const shared = (mebibytes: number) =>
  `perl -e '$x = "x" x (${mebibytes} << 20); for (1..3) { fork or last } select undef, undef, undef, 0.5; print "held\\n"; 1 while wait > 0'`;

const isRoot = process.getuid?.() === 0;
const users = isRoot ? [true, false] : [false];

describe.each(users)("watchMemory() of a cell of another user: %s", (user) => {
  test.each([
    ["anonymous memory", anonymous(1024)],
    ["files in /dev/shm", inShm(1024)],
    ["a memfd that nobody maps", inMemfd(1024)],
    // An ordinary user cannot enter the cell's IPC namespace with the programs that hosts have: docs/limitations.md.
    ...(user || !isRoot ? [] : [["segments that nobody is attached to", inSegments(1024)]]),
  ])("ends a cell that fills %s", (_, script) => {
    // Where the machine has other work just then, the watcher gets its turn late, and sees more than it lets grow by itself.
    let usedBytes: number | null = null;
    for (let tries = 0; tries < 3 && !(usedBytes !== null && usedBytes < most); tries += 1) {
      const seen = watched(script, user);
      expect(seen).toMatchObject({ code: 137, stdout: "", lost: null });
      expect(seen.usedBytes).toBeGreaterThan(limit);
      usedBytes = seen.usedBytes;
    }
    expect(usedBytes).toBeLessThan(most);
  });

  test.each([
    ["anonymous memory", anonymous(100), `${100 * MIB}`],
    ["files in /dev/shm", inShm(150), "held\n"],
    ["a memfd that nobody maps", inMemfd(150), "held"],
    ["pages that several processes share", shared(60), "held\nheld\nheld\nheld\n"],
  ])("lets one be that holds less in %s", (_, script, stdout) => {
    expect(watched(script, user)).toMatchObject({ code: 0, stdout, usedBytes: null, lost: null });
  });

  test("costs little while a cell sleeps", () => {
    const start = watched("true", user).cpuMs;
    expect(watched("sleep 2", user).cpuMs - start).toBeLessThan(100);
  });
});
