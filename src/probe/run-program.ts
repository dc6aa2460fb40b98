import { type StdioOptions, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

/** A short-lived program of the host, asked for one answer. */
export interface ProgramRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Defaults to `/`: no project's files are near. */
  readonly cwd?: string;
  /** Runs as this user and group, without supplementary groups. */
  readonly identity?: { readonly uid: number; readonly gid: number };
  readonly input?: string;
  /** Content of descriptors 3, 4, ... */
  readonly descriptors?: readonly Uint8Array[];
  readonly timeoutMs: number;
}

/** How it ended. `code` is null when a signal ended it or it never started. */
export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it could not be started, e.g. `ENOENT`. */
  readonly failure?: string;
  readonly timedOut: boolean;
}

/** An answer longer than this is no answer, and must not fill the memory. */
const limitBytes = 4 * 1024 * 1024;

function collect(stream: Readable | null, tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limitBytes) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

/** EPIPE is the program's right: it need not read what it is offered. */
function feed(stream: Writable | null | undefined, content: string | Uint8Array): void {
  stream?.on("error", () => {});
  stream?.end(content);
}

/** Runs a program to its end, or kills it at its time limit; resolves in every case. */
export function runProgram(request: ProgramRequest): Promise<ProgramResult> {
  const extra = request.descriptors ?? [];
  const stdio: StdioOptions = ["pipe", "pipe", "pipe", ...extra.map(() => "pipe" as const)];
  const { promise, resolve } = deferred<ProgramResult>();
  const never = (failure: string) =>
    resolve({ code: null, signal: null, stdout: "", stderr: "", failure, timedOut: false });
  try {
    const child = spawn(request.program, [...request.args], {
      cwd: request.cwd ?? "/",
      env: { ...request.env },
      stdio,
      ...request.identity,
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, request.timeoutMs);
    const stop = () => child.kill("SIGKILL");
    const stdout = collect(child.stdout, stop);
    const stderr = collect(child.stderr, stop);
    feed(child.stdin, request.input ?? "");
    extra.forEach((content, index) => {
      feed(child.stdio[index + 3] as Writable | null | undefined, content);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      never(error.code ?? error.message);
    });
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout: stdout(), stderr: stderr(), timedOut });
    };
    child.on("close", finish);
    // A grandchild may hold the pipes open long after a killed program: then its own end has to do.
    child.on("exit", (code, signal) => {
      if (!timedOut) return;
      for (const stream of child.stdio) stream?.destroy();
      finish(code, signal);
    });
  } catch (error) {
    // Node throws some start failures instead of emitting them, EACCES and EINVAL of a uid among them.
    never(error instanceof Error && "code" in error ? String(error.code) : String(error));
  }
  return promise;
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
