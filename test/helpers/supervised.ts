import { type ChildProcess, type SendHandle, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { buildCellhost, cellId, makePlace, type Place } from "./cellhost.ts";
import { compileFixtureTo } from "./compile-fixture.ts";
import { type Starter, starters } from "./filtered-bwrap.ts";

export { type Starter, starters };

/** What cellhost says: one object a line. */
export interface Said {
  readonly t: string;
  readonly [field: string]: unknown;
}

/** cellhost and the stand-in for cellinit, compiled into a place that every user can walk to. */
export interface Programs extends Disposable {
  readonly place: Place;
  readonly cellhost: string;
  readonly inside: string;
}

/** Compiles both; `flags` makes cellhost with other flags than the project's own. */
export function buildPrograms(): Programs {
  const place = makePlace();
  const inside = path.join(place.path, "supervised");
  compileFixtureTo(inside, "supervised", ["-static"]);
  mkdirSync(path.join(place.path, "scratch"));
  return { place, cellhost: buildCellhost(place.path), inside, [Symbol.dispose]: place[Symbol.dispose] };
}

/** bwrap with namespaces of its own over the machine's files. */
export const bwrap = ["/usr/bin/bwrap", "--unshare-all", "--die-with-parent", "--dev-bind", "/", "/"];

/** Without bwrap: the stand-in is cellhost's own child. */
export const bare: readonly string[] = [];

export interface Options {
  readonly starter: Starter;
  readonly around?: readonly string[];
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Further descriptors of the spawned process, from 4 on. */
  readonly descriptors?: readonly number[];
}

/** One run of `cellhost supervise`. */
export class Supervised {
  readonly child: ChildProcess;
  readonly said: Said[] = [];
  readonly handles = new Map<string, SendHandle>();
  readonly stdout: Promise<string>;
  readonly stderr: Promise<string>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #waiting: (() => void)[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    this.stdout = text(child.stdout as NodeJS.ReadableStream);
    this.stderr = text(child.stderr as NodeJS.ReadableStream);
    child.on("message", (message, handle) => {
      const said = message as Said;
      this.said.push(said);
      if (handle !== undefined) this.handles.set(String(said["name"]), handle);
      this.#wake();
    });
    // Not "close": Node never says that of a child whose channel it has disconnected itself.
    this.ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    child.once("disconnect", () => this.#wake());
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The messages of a kind that have come. */
  all(kind: string): Said[] {
    return this.said.filter(({ t }) => t === kind);
  }

  /** Waits for a message; undefined when cellhost ended without it. */
  async until(kind: string): Promise<Said | undefined> {
    for (;;) {
      const found = this.all(kind)[0];
      if (found !== undefined || !this.child.connected) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  send(order: string): void {
    this.child.send(order, () => {});
  }

  /** Waits for ready, says go. */
  async go(): Promise<Said> {
    const ready = await this.until("ready");
    if (ready === undefined) throw new Error(`Not ready: ${JSON.stringify(this.said)} ${await this.stderr}`);
    this.send("g");
    return ready;
  }

  /** Waits for ready, says go, waits for the end. */
  async run(): Promise<Said | undefined> {
    await this.go();
    const end = await this.until("end");
    await this.ended;
    return end;
  }
}

/** The words that start `cellhost supervise` over a program. */
export function superviseWords(programs: Programs, options: Options, steps: readonly string[]): string[] {
  const asRoot = process.getuid?.() === 0 && options.starter.prefix.length === 0;
  const scratch = path.join(programs.place.path, "scratch");
  return [
    ...options.starter.prefix,
    ...[programs.cellhost, "supervise"],
    ...(asRoot ? ["--uid", `${cellId}`, "--gid", `${cellId}`, "--scratch", scratch] : []),
    ...(options.flags ?? []),
    ...["--", ...(options.around ?? bwrap), programs.inside, ...steps],
  ];
}

/** Starts `cellhost supervise` over the stand-in's steps; it is killed when the test is over. */
export function supervise(programs: Programs, options: Options, ...steps: readonly string[]): Supervised {
  const [program = "", ...words] = superviseWords(programs, options, steps);
  const child = spawn(program, words, {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", ...options.env },
    stdio: ["pipe", "pipe", "pipe", "ipc", ...(options.descriptors ?? [])],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return new Supervised(child);
}

/** Whether a process is there and no zombie. */
export function isRunning(pid: unknown): boolean {
  const file = `/proc/${String(pid)}/stat`;
  if (!existsSync(file)) return false;
  try {
    return !/\) [ZX] /.test(readFileSync(file, "utf8"));
  } catch {
    // It ended between the look and the read.
    return false;
  }
}

/** Processes whose command line holds a word. */
export function running(word: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(word) && isRunning(pid);
      } catch {
        return false;
      }
    });
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
