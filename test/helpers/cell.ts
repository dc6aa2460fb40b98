import { type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, realpathSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import { missing } from "./filtered-bwrap.ts";
import { ensureBuilt } from "./made-once.ts";
import { removeTree } from "./remove-tree.ts";

const root = path.resolve(import.meta.dirname, "../..");
const inCi = process.env["CI"] === "true";

/** Whether the tests run as root. */
export const isRoot = process.getuid?.() === 0;
/** The ordinary user that root's tests become. */
export const strangerUid = 54_321;

export type Tunnel = "socat" | "direct";

/** Somebody who starts cells, always with the same tunnel: what keeps the cell inside differs between them. */
export interface Person {
  readonly name: string;
  readonly uid: number;
  readonly isRoot: boolean;
  readonly tunnel: Tunnel;
}

const ownUid = process.getuid?.() ?? -1;

/** Root and a user who owns nothing; an ordinary user can be only himself. */
const identities = isRoot
  ? [
      { name: "root", uid: 0, isRoot: true },
      { name: "uid 54321", uid: strangerUid, isRoot: false },
    ]
  : [{ name: "an ordinary user", uid: ownUid, isRoot: false }];

const tunnels: readonly Tunnel[] = ["socat", "direct"];

export const people: readonly Person[] = identities.flatMap((identity) =>
  tunnels.map((tunnel) => ({ ...identity, tunnel, name: `${identity.name}, ${tunnel} tunnel` })),
);

/** The same, once for each identity: for what knows no tunnel. */
export const persons: readonly Person[] = people.filter(({ tunnel }) => tunnel === "socat");

export const roots: readonly Person[] = people.filter((person) => person.isRoot);
/** The one of them who is not root. */
export const ordinary: Person = people.at(-1) ?? { name: "nobody", uid: -1, isRoot: false, tunnel: "socat" };

/** What of this is missing for a promise to be tried; in CI nothing may be, since a skipped proof proves nothing. */
export function lacking(needs: {
  readonly programs?: readonly string[];
  readonly root?: boolean;
}): readonly string[] {
  const absent = [...missing(["bwrap", "socat", "bash", "perl", "flock", ...(needs.programs ?? [])])];
  const identity = isRoot ? { uid: strangerUid, gid: strangerUid } : {};
  const sandbox = spawnSync("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "true"], {
    cwd: "/",
    ...identity,
  });
  if (sandbox.status !== 0) absent.push("user namespaces for ordinary users");
  if (needs.root === true && !isRoot) absent.push("root");
  if (inCi && absent.length > 0) throw new Error(`Needed in CI: ${absent.join(", ")}`);
  return absent;
}

/** How a process ended, with all that it said. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface How {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Descriptors of ours that are handed on under these numbers. */
  readonly inherit?: Readonly<Record<number, number>>;
}

/** A fresh installation of Workcell that anybody may run, with a home for everybody. Goes with the test file. */
export class House {
  #folder = "";

  /** Its folder, readable by all; absolute and real. */
  get folder(): string {
    return this.#folder;
  }

  get workcell(): string {
    return path.join(this.#folder, "bin/workcell");
  }

  open(): void {
    ensureBuilt();
    this.#folder = makePlace();
    for (const part of ["bin", "dist"]) {
      cpSync(path.join(root, part), path.join(this.#folder, part), { recursive: true });
    }
    for (const person of people) this.makeFolder(path.basename(this.home(person)), person.uid);
  }

  close(): void {
    removeTree(this.#folder);
  }

  home(person: Person): string {
    return path.join(this.#folder, `home-${person.uid}-${person.tunnel}`);
  }

  /** Workcell's state folder of somebody. */
  state(person: Person): string {
    return path.join(this.home(person), ".local/state/workcell");
  }

  /** A folder of somebody's in the house, mode 0755. */
  makeFolder(name: string, uid: number, gid: number = uid): string {
    const made = path.join(this.#folder, name);
    mkdirSync(made);
    chmodSync(made, 0o755);
    if (isRoot) chownSync(made, uid, gid);
    return made;
  }

  /** What a process of somebody's is spawned with. */
  spawnOptions(person: Person, how: How = {}): SpawnOptions {
    return {
      cwd: how.cwd ?? this.home(person),
      env: { PATH: searchPath, HOME: this.home(person), LANG: "C.UTF-8", ...how.env },
      ...(isRoot && !person.isRoot ? { uid: person.uid, gid: person.uid } : {}),
    };
  }

  /** The words that run a command in a cell. */
  runWords(person: Person, flags: readonly string[], command: readonly string[]): readonly string[] {
    return [this.workcell, "run", "--tunnel", person.tunnel, ...flags, "--", ...command];
  }

  /** Runs a command in a cell; `flags` are those of `workcell run`. */
  inside(
    person: Person,
    flags: readonly string[],
    command: readonly string[],
    how: How = {},
  ): Promise<Ended> {
    return this.outside(person, this.runWords(person, flags, command), how);
  }

  /** Runs a command as it is: the control. */
  outside(person: Person, command: readonly string[], how: How = {}): Promise<Ended> {
    return runToEnd(command, this.spawnOptions(person, how), how.inherit);
  }
}

const searchPath = [
  path.dirname(process.execPath),
  ...["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"],
].join(":");

/** A house for this test file. */
export function useHouse(): House {
  const house = new House();
  beforeAll(() => house.open());
  afterAll(() => house.close());
  return house;
}

/** A folder that all may walk through, where root's folders can be seen under another owner. */
function makePlace(): string {
  const cellhost = path.join(root, "dist/native/cellhost");
  const fits = (folder: string) => !isRoot || spawnSync(cellhost, ["probe-idmap", folder]).status === 0;
  const parent = ["/var/tmp", "/dev/shm"].find(fits) ?? "/var/tmp";
  const folder = realpathSync(mkdtempSync(path.join(parent, "workcell-security-")));
  chmodSync(folder, 0o755);
  return folder;
}

const LIMIT_MS = 30_000;

function runToEnd(
  [program = "", ...args]: readonly string[],
  options: SpawnOptions,
  inherit: How["inherit"] = {},
): Promise<Ended> {
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "pipe", "pipe"];
  const highest = Math.max(2, ...Object.keys(inherit).map(Number));
  for (let fd = 3; fd <= highest; fd += 1) stdio[fd] = inherit[fd] ?? "ignore";
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio, timeout: LIMIT_MS, killSignal: "SIGKILL" });
    const texts = ["", ""];
    for (const [index, stream] of [child.stdout, child.stderr].entries())
      stream?.setEncoding("utf8").on("data", (text: string) => {
        texts[index] += text;
      });
    child.once("error", reject);
    child.once("close", (status, signal) =>
      resolve({ status, signal, stdout: texts[0] ?? "", stderr: texts[1] ?? "" }),
    );
  });
}
