import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DoctorCheck } from "../../src/model/index.ts";
import { parseCgroupLayout } from "../../src/probe/cgroup-layout.ts";
import { buildCellhost } from "../helpers/cellhost.ts";

const root = path.resolve(import.meta.dirname, "../..");
const USER = 54_321;
const isRoot = process.getuid?.() === 0;

const entry = `
import { doctor } from "./src/cli/commands/doctor.ts";
import { parseFlags } from "./src/cli/parse-flags.ts";
const { stdout, stderr, env } = process;
const { flags, words } = parseFlags(doctor, process.argv.slice(2));
const context = { stdout, stderr, env, cwd: process.cwd(), home: env.HOME, installation: env.INSTALLATION };
process.exitCode = await doctor.run(flags, words, context);
`;

let place = "";
beforeAll(async () => {
  place = realpathSync(mkdtempSync(path.join(os.tmpdir(), "workcell-doctor-test-")));
  chmodSync(place, 0o755);
  await build({
    absWorkingDir: root,
    stdin: { contents: entry, resolveDir: root },
    outfile: path.join(place, "doctor.mjs"),
    ...{ bundle: true, format: "esm", platform: "node", target: "node20" },
    define: { WORKCELL_VERSION: '"0.0.0"' },
  });
  mkdirSync(path.join(place, "native"));
  buildCellhost(path.join(place, "native"));
  for (const folder of ["home", "tmp"]) {
    for (const who of ["root", "user"]) mkdirSync(path.join(place, folder, who), { recursive: true });
    if (isRoot) chownSync(path.join(place, folder, "user"), USER, USER);
  }
}, 60_000);
afterAll(() => rmSync(place, { recursive: true, force: true }));

interface Way {
  readonly asUser?: boolean;
  /** A command that the doctor is started through. */
  readonly through?: readonly string[];
  readonly searchPath?: string;
}

const scratchOf = (way: Way) => path.join(place, "tmp", way.asUser ? "user" : "root");

function runDoctor(way: Way, args: readonly string[] = ["--json"]) {
  const home = path.join(place, "home", way.asUser ? "user" : "root");
  const drop = ["setpriv", "--reuid", `${USER}`, "--regid", `${USER}`, "--clear-groups"];
  const words = [
    ...(way.asUser && isRoot ? drop : []),
    ...(way.through ?? []),
    ...["env", `PATH=${way.searchPath ?? process.env["PATH"]}`],
    ...[process.execPath, path.join(place, "doctor.mjs"), ...args],
  ];
  const env = { PATH: process.env["PATH"], HOME: home, INSTALLATION: place, TMPDIR: scratchOf(way) };
  const [program = "", ...rest] = words;
  return spawnSync(program, rest, { cwd: home, env, encoding: "utf8", timeout: 30_000 });
}

interface Told {
  readonly checks: Readonly<Record<string, DoctorCheck>>;
  readonly exitCode: number | null;
}

function askDoctor(way: Way): Told {
  const { stdout, stderr, status } = runDoctor(way);
  if (stdout === "") throw new Error(stderr);
  const { checks } = JSON.parse(stdout) as { checks: readonly DoctorCheck[] };
  return { checks: Object.fromEntries(checks.map((check) => [check.id, check])), exitCode: status };
}

/** A folder for PATH with everything the machine has but one program, or with another in its place. */
function searchPathWithout(name: string, instead?: string): string {
  const folder = mkdtempSync(path.join(place, "bin-"));
  chmodSync(folder, 0o755);
  for (const source of ["/usr/local/bin", "/usr/bin", "/bin"].filter((candidate) => existsSync(candidate)))
    for (const program of readdirSync(source))
      if (program !== name && !existsSync(path.join(folder, program)))
        try {
          symlinkSync(path.join(source, program), path.join(folder, program));
        } catch {
          // a dangling link of the same name stands there already
        }
  if (instead !== undefined)
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${instead}\n`, { mode: 0o755 });
  return folder;
}

function leftGroups(): readonly string[] {
  const read = (name: string) => readFileSync(`/proc/self/${name}`, "utf8");
  const { memory, pids } = parseCgroupLayout(read("cgroup"), read("mountinfo"));
  const folders = [memory?.own, pids?.own].filter((folder) => folder !== undefined && existsSync(folder));
  return folders
    .flatMap((folder = "") => readdirSync(folder))
    .filter((name) => name.startsWith("workcell-doctor"));
}

const everyId = [
  ...["machine", "bubblewrap", "socat", "bash", "user-namespaces", "seccomp", "landlock", "cgroup"],
  ...["overlay", "idmap", "uid-range", "compiler", "disk"],
];

describe.each([
  ["root", {}, isRoot],
  ["an ordinary user", { asUser: true }, true],
] as const)("workcell doctor as %s", (_, way, possible) => {
  test.runIf(possible)("tries everything, finds nothing missing, and leaves nothing behind", () => {
    const started = performance.now();
    const { checks, exitCode } = askDoctor(way);
    // Two seconds are promised to a machine that does nothing else.
    expect(performance.now() - started).toBeLessThan(6_000);
    expect(Object.keys(checks)).toEqual(everyId);
    expect(Object.values(checks).filter(({ status }) => status === "missing")).toEqual([]);
    expect(
      Object.values(checks).filter((check) => (check.status === "ok") !== (check.remedy === "")),
    ).toEqual([]);
    for (const id of ["bubblewrap", "socat", "bash", "user-namespaces", "seccomp"])
      expect(checks[id]).toMatchObject({ status: "ok" });
    expect(exitCode).toBe(0);
    expect(readdirSync(scratchOf(way))).toEqual([]);
    expect(leftGroups()).toEqual([]);
  });

  test.runIf(possible)("says so where user namespaces are not to be had, and what to do", () => {
    const through = [
      "bwrap",
      "--unshare-user",
      "--disable-userns",
      "--dev-bind",
      "/",
      "/",
      "--proc",
      "/proc",
    ];
    const { checks, exitCode } = askDoctor({ ...way, through });
    expect(checks["user-namespaces"]).toMatchObject({
      status: "missing",
      found: expect.stringContaining("user namespaces are not available here"),
      remedy: expect.stringContaining("outside of the sandbox"),
    });
    expect([checks["bubblewrap"]?.status, checks["seccomp"]?.status]).toEqual(["missing", "missing"]);
    // What does not rest on them is told all the same.
    expect([checks["socat"]?.status, checks["bash"]?.status]).toEqual(["ok", "ok"]);
    expect(exitCode).toBe(1);
    expect(readdirSync(scratchOf(way))).toEqual([]);
  });

  test.runIf(possible)("names the remedy when bwrap is not installed", () => {
    const { checks, exitCode } = askDoctor({ ...way, searchPath: searchPathWithout("bwrap") });
    expect(checks["bubblewrap"]).toMatchObject({
      status: "missing",
      found: "bubblewrap: no bwrap on PATH",
      remedy: expect.stringMatching(/bubblewrap$|bubblewrap with the package manager/),
    });
    expect(checks["seccomp"]?.status).toBe("missing");
    expect(exitCode).toBe(1);
  });

  test.runIf(possible)("recognises AppArmor by what bwrap says", () => {
    const instead = 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1';
    const { checks } = askDoctor({ ...way, searchPath: searchPathWithout("bwrap", instead) });
    expect(checks["bubblewrap"]).toMatchObject({
      status: "missing",
      // In a container the remedy is an option of the container.
      remedy: expect.stringMatching(/apparmor_parser -r|--security-opt apparmor=unconfined|appArmorProfile/),
    });
  });

  test.runIf(possible)("recognises a bwrap that only pretends", () => {
    const { checks } = askDoctor({ ...way, searchPath: searchPathWithout("bwrap", "exit 0") });
    expect(checks["bubblewrap"]).toMatchObject({
      status: "missing",
      found: expect.stringContaining("the net namespace is missing"),
    });
    expect(checks["seccomp"]).toMatchObject({ status: "missing" });
  });

  test.runIf(possible)("does not use a program that lies in the working directory", () => {
    const folder = path.join(place, "home", "asUser" in way ? "user" : "root");
    writeFileSync(path.join(folder, "bwrap"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    try {
      const { checks } = askDoctor({ ...way, searchPath: `${folder}:${process.env["PATH"]}` });
      expect(checks["bubblewrap"]?.status).toBe("ok");
    } finally {
      rmSync(path.join(folder, "bwrap"));
    }
  });
});

test("workcell doctor prints a table, the remedies and one line for all", () => {
  const { stdout, status } = runDoctor({ asUser: true, searchPath: searchPathWithout("socat") }, []);
  expect(stdout).toMatch(/^ok +kernel, CPU, Node +Linux .*\nok +bubblewrap +/);
  expect(stdout).toMatch(/^missing +socat +not on PATH$/m);
  expect(stdout).toMatch(/^socat \(missing\)\n {2}needed .*\n {2}without .*\n {2}remedy .*socat/m);
  expect(stdout).toMatch(/\n\n\d+ of 13 fine; .*socat: not on PATH.*\n$/);
  expect(status).toBe(1);
});

test.runIf(isRoot && existsSync("/etc/subuid"))("workcell doctor finds who has one of the uids", () => {
  const subuid = path.join(place, "subuid");
  writeFileSync(subuid, "ann:1900065535:10\n");
  const cover = 'mount --bind "$0" /etc/subuid && exec "$@"';
  const { checks, exitCode } = askDoctor({ through: ["unshare", "--mount", "sh", "-c", cover, subuid] });
  expect(checks["uid-range"]).toMatchObject({
    status: "missing",
    found: "uid range 1900000000-1900065535: shared with ann in /etc/subuid",
    remedy: expect.stringMatching(/^Set WORKCELL_UID_RANGE to another range: \d+-\d+$/),
  });
  expect(exitCode).toBe(1);
});
