import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Outcome, TunnelName } from "../../src/model/index.ts";
import { ensureBuilt } from "./made-once.ts";
import { removeTree } from "./remove-tree.ts";

const root = path.resolve(import.meta.dirname, "../..");
const strangerId = 54_321;
const isRoot = process.getuid?.() === 0;

/** Who types the command. */
export interface Person {
  readonly name: string;
  /** Absent: whoever runs the tests. */
  readonly uid?: number;
  /** The tunnel of this person's cells; absent: the profile's own. */
  readonly tunnel?: TunnelName;
}

/** Root and a user who owns nothing; an ordinary user can try only as himself. */
export const people: readonly Person[] = isRoot
  ? [{ name: "root" }, { name: `uid ${strangerId}`, uid: strangerId }]
  : [{ name: "an ordinary user" }];

const tunnels: readonly TunnelName[] = ["socat", "direct"];

/** Everybody with every tunnel. */
export const everyWay: readonly Person[] = people.flatMap((person) =>
  tunnels.map((tunnel) => ({ ...person, tunnel, name: `${person.name}, tunnel ${tunnel}` })),
);

/** Turned on by WORKCELL_SOAK=1: the long forms of what is bounded otherwise. */
export const isSoak = process.env["WORKCELL_SOAK"] === "1";

/** Everybody, and every tunnel, but each pair of them only in the long form. */
export const someWays: readonly Person[] =
  isSoak || people.length === 1 ? everyWay : everyWay.filter((_, index) => index % 3 === 0);

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Stdout byte by byte. */
  readonly bytes: Buffer;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Set beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** What comes on stdin, which ends after it; absent: /dev/null. */
  readonly input?: string | Buffer;
  /** Words before `workcell`: another program that starts it. */
  readonly through?: readonly string[];
  /** In ms (30000). After it the test has failed. */
  readonly within?: number;
}

/** A `workcell` that runs. Stdin stays open. */
export interface Started {
  readonly child: ChildProcess;
  /** What has come on stdout and stderr so far. */
  text(): string;
  /** Resolves when `mark` has come on stdout or stderr. */
  said(mark: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** A person's place to work in: an installation, a home, a folder of files. Gone when disposed of. */
export interface Desk extends Disposable {
  readonly person: Person;
  readonly home: string;
  readonly work: string;
  /** Workcell's state folder. */
  readonly state: string;
  /** The installed bin/workcell. */
  readonly program: string;
  /** Makes a folder of the person's own below the desk. */
  folder(name: string): string;
  /** Writes a file of the person's own, by its path below the desk. */
  file(name: string, content: string | Buffer, mode?: number): string;
  /** Runs `workcell` with these words to its end. */
  workcell(words: readonly string[], options?: RunOptions): Promise<Ended>;
  /** The same for `workcell run`. */
  run(words: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Runs a command for the outcome that is written for it. */
  outcomeOf(words: readonly string[], options?: RunOptions): Promise<Outcome>;
  start(words: readonly string[], options?: RunOptions): Started;
  /** The same on a terminal of its own; what is written to the child's stdin is typed there. */
  startOnTerminal(words: readonly string[], options?: RunOptions): Started;
  /** Runs another program as the person, with the same environment: the control. */
  outside(argv: readonly string[], options?: RunOptions): Promise<Ended>;
}

/** Copies what is built to where everybody may read it; a checkout often lies where a user cannot go. */
function install(to: string): string {
  // Whoever builds meanwhile publishes an entry last: copied first, it finds all that it names.
  const built = readdirSync(path.join(root, "dist")).filter((name) => !name.startsWith(".build-"));
  for (const name of ["bin", "dist/workcell.js", ...built.map((entry) => `dist/${entry}`)])
    cpSync(path.join(root, name), path.join(to, name), { recursive: true });
  return path.join(to, "bin/workcell");
}

/** Starts a program as a person and collects what it says. */
export function startProgram(
  person: Person,
  [program = "", ...words]: readonly string[],
  options: RunOptions & { readonly env: Readonly<Record<string, string>>; readonly open?: boolean },
): Started {
  const { uid } = person;
  const child = spawn(program, words, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env,
    ...(uid === undefined ? {} : { uid, gid: uid }),
    stdio: [options.input === undefined && options.open !== true ? "ignore" : "pipe", "pipe", "pipe"],
    timeout: options.within ?? 30_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A program that does not read its input is no failure of the test's.
  child.stdin?.on("error", () => {});
  if (options.input !== undefined) child.stdin?.end(options.input);
  const text = () => Buffer.concat([...stdout, ...stderr]).toString();
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const bytes = Buffer.concat(stdout);
      resolve({ code, signal, bytes, stdout: bytes.toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
  const said = (mark: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => text().includes(mark) && resolve();
      child.stdout?.on("data", look);
      child.stderr?.on("data", look);
      child.once("close", () => reject(new Error(`It ended without "${mark}": ${text()}`)));
      look();
    });
  return { child, text, said, ended };
}

/** A word as a shell reads it back. */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** Makes a desk for a person in a fresh folder. */
export function makeDesk(person: Person, parent = tmpdir()): Desk {
  ensureBuilt();
  const place = mkdtempSync(path.join(parent, "workcell-run-"));
  chmodSync(place, 0o755);
  const folder = (name: string) => {
    const made = path.join(place, name);
    mkdirSync(made, { recursive: true });
    if (person.uid !== undefined) chownSync(made, person.uid, person.uid);
    return made;
  };
  const file: Desk["file"] = (name, content, mode = 0o644) => {
    const made = path.join(place, name);
    writeFileSync(made, content);
    chmodSync(made, mode);
    if (person.uid !== undefined) chownSync(made, person.uid, person.uid);
    return made;
  };
  const program = install(path.join(place, "installation"));
  const [home, work] = [folder("home"), folder("work")];
  const tunnel = person.tunnel === undefined ? {} : { WORKCELL_TUNNEL: person.tunnel };
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, ...tunnel };
  const start = (argv: readonly string[], options: RunOptions = {}, open = false) =>
    startProgram(person, [...(options.through ?? []), ...argv], {
      cwd: home,
      ...options,
      env: { ...env, ...options.env },
      open,
    });
  const workcell: Desk["workcell"] = (words, options) => start([program, ...words], options).ended;
  const run: Desk["run"] = (words, options) => workcell(["run", ...words], options);
  return {
    ...{ person, home, work, program, folder, file, workcell, run },
    start: (words, options) => start([program, ...words], options, true),
    startOnTerminal: (words, options) =>
      // A shell that waited in between would take Ctrl-C for itself.
      start(
        ["script", "-qec", ["exec", program, ...words].map(quoted).join(" "), "/dev/null"],
        options,
        true,
      ),
    outside: (argv, options) => start(argv, options).ended,
    state: path.join(home, ".local/state/workcell"),
    outcomeOf: async (words, options) => {
      const file = path.join(home, "outcome.json");
      rmSync(file, { force: true });
      await run(["--outcome", file, ...words], options);
      return JSON.parse(readFileSync(file, "utf8")) as Outcome;
    },
    [Symbol.dispose]: () => removeTree(place),
  };
}

/** Pids of this machine's processes whose command line holds `mark`; zombies have none. */
export function processesWith(mark: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => commandLine(name).replaceAll("\0", " ").includes(mark))
    .map(Number);
}

const commandLine = (pid: string) => readOrNothing(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"));

function readOrNothing(read: () => string): string {
  try {
    return read();
  } catch {
    // It has just ended.
    return "";
  }
}

/** The processes of the cell in which one has `mark` on its command line: their numbers inside, and the host's. */
export function processesOfCell(mark: string): ReadonlyMap<number, number> {
  const spaceOf = (pid: number) => readOrNothing(() => readlinkSync(`/proc/${pid}/ns/pid`));
  const own = spaceOf(process.pid);
  const [space] = processesWith(mark)
    .map(spaceOf)
    .filter((found) => found !== own && found !== "");
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const inside = all.filter((name) => space !== undefined && spaceOf(Number(name)) === space);
  return new Map(
    inside.map((name) => {
      const status = readOrNothing(() => readFileSync(`/proc/${name}/status`, "utf8"));
      return [Number(/^NSpid:.*\t(\d+)$/m.exec(status)?.[1]), Number(name)];
    }),
  );
}

/** Waits until something holds; fails after `within` ms. */
export async function until(holds: () => boolean, within: number): Promise<void> {
  const end = performance.now() + within;
  for (let began = performance.now(); !holds(); began = performance.now()) {
    if (performance.now() > end) throw new Error(`Not within ${within} ms: ${holds}`);
    // What is looked at may cost much: then it is looked at less often.
    const restMs = Math.min(25, Math.max(10, 3 * (performance.now() - began)));
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
}
