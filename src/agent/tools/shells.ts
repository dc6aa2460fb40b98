import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";

/** Bytes of one command's output that are kept in its file; what comes after is counted, and the end is kept. */
const KEPT_BYTES = 64 * 1024 * 1024;
const END_BYTES = 64 * 1024;

/** A command of the agent's, with all that it says on stdout and stderr, in the order in which it came. */
export class Shell {
  readonly child: ChildProcess;
  readonly outputFile: string;
  readonly #spool: WriteStream;
  #bytes = 0;
  #kept = 0;
  #head = Buffer.alloc(0);
  #end = Buffer.alloc(0);
  /** Resolves when the command itself has ended; what it left behind may go on. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;

  constructor(child: ChildProcess, outputFile: string) {
    this.child = child;
    this.outputFile = outputFile;
    this.#spool = createWriteStream(outputFile, { mode: 0o600 });
    // A full disk ends the file, and not the agent.
    this.#spool.on("error", () => {
      this.#kept = KEPT_BYTES;
    });
    child.stdout?.on("data", (chunk: Buffer) => this.#take(chunk));
    child.stdout?.on("error", () => {});
    this.ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#head.length < END_BYTES) this.#head = Buffer.concat([this.#head, chunk]).subarray(0, END_BYTES);
    this.#end = Buffer.concat([this.#end, chunk]).subarray(-END_BYTES);
    const part = chunk.subarray(0, KEPT_BYTES - this.#kept);
    this.#kept += part.length;
    if (part.length === 0 || this.#spool.write(part)) return;
    this.child.stdout?.pause();
    this.#spool.once("drain", () => this.child.stdout?.resume());
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The whole output if it is short, else beginning and end with a line between that says what is missing. */
  text(limit: number): string {
    if (this.#bytes <= END_BYTES && this.#bytes <= limit) return this.#head.toString();
    const half = Math.floor(limit / 2);
    const [head, end] = [this.#head.subarray(0, half).toString(), this.#end.subarray(-half).toString()];
    const kept = this.#kept < KEPT_BYTES ? "all of it is" : `the first ${KEPT_BYTES} bytes are`;
    return `${head}\n\n[${this.#bytes - 2 * half} of ${this.#bytes} bytes are left out here; ${kept} in ${this.outputFile}: Read it with offset and limit, or search it with Grep]\n\n${end}`;
  }

  /** Waits a moment for what a command that has ended wrote last; a process it left behind may hold the pipe for long. */
  async drain(): Promise<void> {
    if (this.child.stdout?.readableEnded) return;
    await Promise.race([
      once(this.child, "close"),
      new Promise((resolve) => setTimeout(resolve, 100).unref()),
    ]);
  }

  /** Ends the command with all that it started: SIGTERM, and SIGKILL to what is left after the grace. */
  async end(graceMs: number): Promise<void> {
    this.kill("SIGTERM");
    const grace = new Promise((resolve) => setTimeout(resolve, graceMs).unref());
    await Promise.race([this.ended, grace]);
    this.kill("SIGKILL");
    await this.ended;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, signal);
    } catch {
      // Nobody of its group is left.
    }
  }
}

/** The commands of one agent. */
export class Shells {
  readonly #running = new Map<string, Shell>();
  readonly #finished: string[] = [];

  start(how: {
    readonly words: readonly string[];
    readonly cwd: string;
    readonly env: NodeJS.ProcessEnv;
    readonly outputFile: string;
  }): Shell {
    const child = spawn("bash", how.words, {
      cwd: how.cwd,
      env: how.env,
      // Bash makes stderr the same stream.
      stdio: ["ignore", "pipe", "ignore"],
      // A process group of its own, so that all of it can be ended.
      detached: true,
    });
    return new Shell(child, how.outputFile);
  }

  /** Goes on without waiting; its end is told by `takeFinished`. */
  leave(shell: Shell, command: string): void {
    const id = `${shell.child.pid}`;
    this.#running.set(id, shell);
    shell.child.unref();
    void shell.ended.then(({ code, signal }) => {
      this.#running.delete(id);
      const how = signal === null ? `exit code ${code}` : signal;
      this.#finished.push(
        `Background command ${id} ("${command.slice(0, 200)}") has ended: ${how}. Its output, ${shell.bytes} bytes, is in ${shell.outputFile}`,
      );
    });
  }

  /** What ended since the last call. */
  takeFinished(): string[] {
    return this.#finished.splice(0);
  }

  killAll(): void {
    for (const shell of this.#running.values()) shell.kill("SIGKILL");
  }
}
