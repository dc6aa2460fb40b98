import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type FileServer, type FileServerOptions, openFileServer } from "../../src/changes/index.ts";
import { codeOf } from "../../src/errors/index.ts";
import { compileSanitized, makePlace, type Place, runToEnd } from "./cellhost.ts";
import { type Starter, starters } from "./filtered-bwrap.ts";
import { placeNative } from "./made-once.ts";

export { type Starter, starters };

/** Who works on the folders: in tests that root runs, root and a user. */
export function idOf(starter: Starter): number {
  return starter.prefix.length > 0 ? 54_321 : (process.getuid?.() ?? 0);
}

/** Compiles cellfiles with the project's own script into `folder`. */
export function buildCellfiles(folder: string): string {
  placeNative(folder, ["cellfiles"]);
  return path.join(folder, "cellfiles");
}

/** A folder that belongs to one starter, with the two roots `one` and `two` in it, and a server over both. */
export class FileBench implements AsyncDisposable {
  readonly #place: Place = makePlace();
  readonly #servers: FileServer[] = [];
  readonly #program: string;
  readonly starter: Starter;

  constructor(starter: Starter, cellfiles: string) {
    this.starter = starter;
    this.#program = path.join(this.#place.path, "cellfiles");
    const words = [...starter.prefix, cellfiles].map((word) => `'${word}'`).join(" ");
    const script = `#!/bin/bash\necho $$ > '${this.#place.path}/pid'; echo $$ >> '${this.#place.path}/pids'\nulimit -n 24\nPATH=/usr/bin exec ${words} "$@"\n`;
    writeFileSync(this.#program, script, { mode: 0o755 });
    mkdirSync(this.path);
    if (starter.prefix.length > 0) runToEnd(["chown", `${idOf(starter)}`, this.path]);
    this.shell("mkdir one two outside");
  }

  get path(): string {
    return path.join(this.#place.path, "work");
  }

  get uid(): number {
    return idOf(this.starter);
  }

  /** Owner, bits and time of a copy, as these tests want them. */
  get as() {
    return { mode: 0o640, uid: this.uid, gid: this.uid, mtimeNs: 1_234_567_890_123_456_789n };
  }

  /** The server that was started last. */
  get pid(): number {
    return Number(readFileSync(path.join(this.#place.path, "pid"), "utf8"));
  }

  /** All that were ever started. */
  get pids(): readonly number[] {
    const file = path.join(this.#place.path, "pids");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map(Number) : [];
  }

  /** Runs a script of bash as the starter, in the folder; what it printed. */
  shell(script: string): string {
    const argv = [...this.starter.prefix, "bash", "-euc", script];
    const done = runToEnd(argv, { cwd: this.path, timeout: 50_000 });
    if (done.status !== 0) throw new Error(`"${script}" failed: ${done.stderr}`);
    return done.stdout;
  }

  /** Runs a script of python as the starter, in the folder, with `os` and `socket` there. */
  python(script: string): string {
    const done = runToEnd(
      [...this.starter.prefix, "/usr/bin/python3", "-c", `import os, socket\n${script}`],
      {
        cwd: this.path,
        timeout: 50_000,
      },
    );
    if (done.status !== 0) throw new Error(`"${script}" failed: ${done.stderr}`);
    return done.stdout;
  }

  /** A server over these roots. It has few descriptors, so that one that leaks them soon ends. */
  async serve(roots = ["one", "two"], options: FileServerOptions = {}): Promise<FileServer> {
    const folders = roots.map((root) => path.resolve(this.path, root));
    const server = await openFileServer(this.#program, folders, { userXattr: this.uid !== 0, ...options });
    this.#servers.push(server);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server.close();
    // By a program, since the trees of these tests are deeper than a path may be long.
    runToEnd(["rm", "-rf", this.#place.path], { timeout: 50_000 });
  }
}

/** The errno that a call fails with, or what it came to. */
export async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    if (codeOf(error) !== "WC_FILES") throw error;
    return codeOf((error as Error).cause);
  }
}

/** A name in bytes, as the server takes it, from one in the encoding of this file. */
export function bytePath(name: string): string {
  return Buffer.from(name).toString("latin1");
}

/** The same program with the sanitizers in it, from the same sources. */
export function sanitizedCellfiles(folder: string): string {
  const program = path.join(folder, "sanitized");
  compileSanitized(program, "cellfiles", ["../cellhost/life.c", "../cellhost/text.c"]);
  return program;
}
