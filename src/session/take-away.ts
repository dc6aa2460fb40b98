import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";

/** Where every distribution has chmod and rm. */
const env = { PATH: "/usr/bin:/bin" };
/** What is removed without a program's start: more than a session usually leaves, and less than open files allow. */
const MOST_ENTRIES = 500;
const MOST_LEVELS = 20;
/** Each level of a tree holds a file open; rm, where it is coreutils', has no such limit. */
const MOST_LEVELS_WITHOUT_RM = 500;

const MOST_TRIES = 5;

const goneName = ".gone-";
const folderItself = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const isThere = (folder: string) => lstatSync(folder, { throwIfNoEntry: false }) !== undefined;

/**
 * Removes a folder that a cell has written to, whatever it holds, and nothing that links in it lead to.
 * SECURITY(P1): Workcell may be root here. No process of the cell is to be left by now, yet nothing depends on it: one
 * that is can exchange a folder for a link at any moment. So the folder first goes where the cell's user can follow no
 * path, which leaves only what is open or mounted there; and each folder is opened itself, never through a link, and
 * what lies in it is removed by the open folder. Node's own rmSync() goes by paths.
 */
export function takeAway(folder: string): void {
  if (!isThere(folder) || removedEmpty(folder)) return;
  try {
    // The folder above is Workcell's own: this name is no link. Who is not root cannot move what may not be written.
    chmodSync(folder, 0o700);
    removeTree(moveAside(folder));
  } catch (cause) {
    throw stays(folder, cause);
  }
}

/** The usual case, in one call: most commands leave nothing behind. A link of that name is not followed. */
function removedEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    // What stands in the way is met again below, and said there.
    return false;
  }
}

function moveAside(folder: string): string {
  const above = path.join(path.dirname(folder), goneName);
  try {
    const gone = mkdtempSync(above);
    renameSync(folder, path.join(gone, path.basename(folder)));
    return gone;
  } catch (error) {
    if (!["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "")) throw error;
    // A full disk has no room for one more folder, and this is what makes room: it goes by a name that nobody knows.
    const gone = `${above}${randomBytes(8).toString("hex")}`;
    renameSync(folder, gone);
    return gone;
  }
}

/** Removes what a Workcell that was killed had begun to take away from a session. */
export function takeAwayRest(session: string): void {
  if (!isThere(session)) return;
  for (const name of readdirSync(session)) {
    if (name.startsWith(goneName)) removeTree(path.join(session, name));
  }
}

function stays(folder: string, cause: unknown): WorkcellError {
  if (cause instanceof WorkcellError) return cause;
  return new WorkcellError("WC_SESSION", {
    message: `Cannot take away "${folder}", which an ended session left: ${cause instanceof Error ? cause.message : String(cause)}`,
    remedy: `Remove it yourself: rm -rf "${folder}"`,
    cause,
  });
}

/** A folder of Workcell's own with what a cell left in it. */
function removeTree(gone: string): void {
  try {
    removeHere(gone, MOST_ENTRIES, MOST_LEVELS);
    return;
  } catch {
    // Too large for that, or somebody is still at work in it.
  }
  for (let tries = 1; ; tries += 1) {
    try {
      removeByPrograms(gone);
      return;
    } catch (error) {
      // A process that is left can exchange what rm has looked at, and each look has less to exchange.
      if (tries === MOST_TRIES) throw error;
    }
  }
}

interface Budget {
  entries: number;
  readonly device: number;
}

/** Removes a tree that is readable and no larger than this; throws when it is not. */
function removeHere(folder: string, entries: number, levels: number): void {
  const fd = openSync(folder, folderItself);
  try {
    emptyFolder(fd, { entries, device: fstatSync(fd).dev }, levels);
  } finally {
    closeSync(fd);
  }
  rmdirSync(folder);
}

function emptyFolder(fd: number, budget: Budget, levels: number): void {
  if (levels === 0 || fstatSync(fd).dev !== budget.device) throw new Error("too deep, or a mount");
  for (const name of readdirSync(`/proc/self/fd/${fd}`, { encoding: "buffer" })) {
    if (budget.entries-- === 0) throw new Error("too many entries");
    const place = Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
    if (unlinkFile(place)) continue;
    const inner = openSync(place, folderItself);
    try {
      emptyFolder(inner, budget, levels - 1);
    } finally {
      closeSync(inner);
    }
    rmdirSync(place);
  }
}

/** False if it is a folder. */
function unlinkFile(place: Buffer): boolean {
  try {
    unlinkSync(place);
    return true;
  } catch (error) {
    if (codeOf(error) === "EISDIR" || codeOf(error) === "EPERM") return false;
    throw error;
  }
}

/**
 * A cell may leave folders that not even their owner may read, or nest them deeper than a path can be long: neither
 * stops chmod and rm. rm goes by open folders too. chmod may follow a link that is exchanged under it, and so is left
 * to ordinary users, whose cells' processes have no more rights than they: root may read everything.
 */
function removeByPrograms(gone: string): void {
  const run = (program: string, ...args: readonly string[]) =>
    spawnSync(program, [...args, "--", gone], {
      env,
      cwd: "/",
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
    });
  if (process.getuid?.() !== 0) run("chmod", "-R", "u+rwx");
  const { stderr, error } = run("rm", "-rf", "--one-file-system");
  if (!isThere(gone)) return;
  // A small system's rm goes by paths and does not know the option.
  try {
    removeHere(gone, Number.POSITIVE_INFINITY, MOST_LEVELS_WITHOUT_RM);
    return;
  } catch {
    // What rm said is more to the point.
  }
  throw stays(gone, error ?? new Error(stderr?.trim().split("\n").at(-1) || "rm did not remove it"));
}
