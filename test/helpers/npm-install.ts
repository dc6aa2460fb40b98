import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** What was installed for tests, from the registry that whoever runs the tests has configured. */
export interface Installed {
  /** A folder of its own, which holds `node_modules`; others read it too. */
  readonly place: string;
  /** Where its programs are. */
  readonly bin: string;
  /** Why it is not there; "": it is. */
  readonly problem: string;
}

const KEPT_MS = 14 * 24 * 60 * 60 * 1000;
/** So long a registry that cannot be reached is not asked again: each try waits its whole time. */
const FAILED_MS = 10 * 60 * 1000;

/**
 * Installs programs that are nobody's to ship, and has those named say their version. What was installed once stays below the
 * folder of temporary files, for the other test files and for later runs: unpacking it costs more than many of the tests.
 * Where it cannot be done, the tests skip by name.
 */
export function npmInstall(
  packages: readonly string[],
  programs: Readonly<Record<string, string>> = {},
): Installed {
  const store = openStore();
  const asked = JSON.stringify([packages, programs, process.version, process.arch]);
  const place = path.join(store, createHash("sha256").update(asked).digest("hex").slice(0, 16));
  const release = lock(`${place}.lock`);
  try {
    const failed = `${place}.failed`;
    const isFailed = Date.now() - (statSync(failed, { throwIfNoEntry: false })?.mtimeMs ?? 0) < FAILED_MS;
    const problem = existsSync(place)
      ? ""
      : isFailed
        ? readFileSync(failed, "utf8")
        : install(packages, programs, place);
    if (problem === "") utimesSync(place, new Date(), new Date());
    else if (!isFailed) writeFileSync(failed, problem);
    return { place, bin: path.join(place, "node_modules/.bin"), problem };
  } finally {
    release();
  }
}

/** The folder of what is kept: nobody else can have put anything into it. */
function openStore(): string {
  const store = path.join(tmpdir(), `workcell-test-programs-${process.getuid?.()}`);
  mkdirSync(store, { recursive: true, mode: 0o755 });
  const { uid, mode } = lstatSync(store);
  const isOwn = lstatSync(store).isDirectory() && uid === process.getuid?.() && (mode & 0o022) === 0;
  if (!isOwn) throw new Error(`"${store}" is somebody else's, and must be a folder of one's own: remove it`);
  chmodSync(store, 0o755);
  const now = Date.now();
  for (const name of readdirSync(store)) {
    const one = path.join(store, name);
    if (now - (statSync(one, { throwIfNoEntry: false })?.mtimeMs ?? now) > KEPT_MS)
      rmSync(one, { recursive: true, force: true });
  }
  return store;
}

/** Waits until nobody else installs the same; one that has ended without saying so is not waited for. */
function lock(file: string): () => void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      writeFileSync(file, `${process.pid}`, { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch {
      // Somebody holds it, or has just let it go.
      const holder = holderOf(file);
      if (holder !== "" && !existsSync(`/proc/${holder}`)) rmSync(file, { force: true });
      else Atomics.wait(pause, 0, 0, 100);
    }
  }
}

function holderOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // It has just been let go.
    return "";
  }
}

/** Installs into a folder beside, which gets its name when all is there. */
function install(
  packages: readonly string[],
  programs: Readonly<Record<string, string>>,
  place: string,
): string {
  const made = mkdtempSync(`${place}.new-`);
  try {
    chmodSync(made, 0o755);
    // npx, which may have started the tests, says things of its own to npm.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV$)/.test(name)),
    );
    const words = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--prefix", made, ...packages];
    const installed = spawnSync("npm", words, { env, encoding: "utf8", timeout: 100_000 });
    const why = `${installed.stderr}`.trim().replace(/\s+/g, " ").slice(-400);
    const missing = Object.entries(programs).filter(([program, version]) => {
      const file = path.join(made, "node_modules/.bin", program);
      return !`${spawnSync(file, ["--version"], { encoding: "utf8", timeout: 20_000 }).stdout}`.includes(
        version,
      );
    });
    if (installed.status !== 0 || missing.length > 0)
      return `${packages.join(", ")} could not be installed: ${why}`;
    renameSync(made, place);
    return "";
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
