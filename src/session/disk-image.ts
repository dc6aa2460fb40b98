import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { WorkcellError } from "../errors/index.ts";

/** Where every distribution has mkfs, mount and cp; the person's own PATH is not asked, for these run as root. */
const toolFolders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const env = { PATH: toolFolders.join(":"), LC_ALL: "C" };

/** Runs one of the system's programs; throws with what it said. */
export function runTool(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, {
    ...{ env, cwd: "/", encoding: "utf8", timeout: 60_000 },
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim().split("\n").at(-1) ?? `it ended with ${status}`;
  throw new WorkcellError("WC_SESSION", {
    message: `Cannot make a disk for the session: "${program} ${args.join(" ")}" failed: ${said}`,
    remedy: "Install e2fsprogs, or do without a disk of the session's own: --waive disk",
  });
}

/** True when this machine can give a session a disk: root, loop devices, and the programs for ext4. */
export function canMakeDisks(uid: number): boolean {
  const has = (program: string) => toolFolders.some((folder) => existsSync(path.join(folder, program)));
  return uid === 0 && existsSync("/dev/loop-control") && has("mkfs.ext4") && has("mount") && has("cp");
}

/** About one file for 16 kB, as mkfs has it, and never so many that a small disk is all tables. */
const inodesFor = (bytes: number) => Math.max(1024, Math.floor(bytes / 16_384));

/** The kernel reads it as root: nobody else may have written it. */
function isTrusted(file: string): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && found.uid === 0 && (found.mode & 0o022) === 0 && found.nlink === 1;
}

/** An empty ext4 of a size, made once and kept: it takes 20 ms and more, a sparse copy of it 4. */
function templateOf(cacheFolder: string, bytes: number): string {
  const template = path.join(cacheFolder, `session-disk-1-${bytes}.ext4`);
  if (isTrusted(template)) return template;
  mkdirSync(cacheFolder, { recursive: true, mode: 0o700 });
  const draft = `${template}.${process.pid}`;
  try {
    writeFileSync(draft, "", { flag: "wx", mode: 0o600 });
    truncateSync(draft, bytes);
    // The small journal makes a killed machine's disk whole again at its next mount; nothing is kept back for root.
    const journal = bytes >= 64 * 1024 ** 2 ? ["-J", "size=4"] : ["-O", "^has_journal"];
    const lazy = "lazy_itable_init=1,lazy_journal_init=1,nodiscard";
    runTool("mkfs.ext4", ["-q", "-F", "-m", "0", "-N", `${inodesFor(bytes)}`, ...journal, "-E", lazy, draft]);
    rmSync(template, { force: true });
    renameSync(draft, template);
    return template;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Makes a session's disk as a sparse file. */
export function makeDiskImage(image: string, cacheFolder: string, bytes: number): void {
  runTool("cp", ["--sparse=auto", "--", templateOf(cacheFolder, bytes), image]);
  chmodSync(image, 0o600);
}
