import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { SeenFiles } from "./seen-files.ts";
import { Shells } from "./shells.ts";

/** Characters of one answer that the model is shown; the rest lies in a file. */
export const ANSWER_LIMIT = 30_000;

/** Where an agent works: its folder, what it has read, the commands it left running, and a place for long output. */
export class Workplace {
  /** The folder that relative paths and commands start from; Bash's `cd` moves it. */
  cwd: string;
  /** The folder that the work began in. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly seen = new SeenFiles();
  readonly shells = new Shells();
  #folder: string | undefined;
  #files = 0;

  constructor(root: string, env: NodeJS.ProcessEnv) {
    this.root = root;
    this.cwd = root;
    this.env = env;
  }

  /** The absolute path of a file that the model named. */
  resolve(named: string): string {
    return path.resolve(this.cwd, named);
  }

  /** A fresh path for output that is too long to be shown. */
  spoolFile(kind: string): string {
    this.#folder ??= mkdtempSync(path.join(this.env["TMPDIR"] ?? os.tmpdir(), "workcell-agent-"));
    this.#files += 1;
    return path.join(this.#folder, `${kind}-${this.#files}.txt`);
  }

  /** The text as the model is shown it: when it is too long, its beginning and its end, and where all of it lies. */
  async shown(text: string, kind: string, limit = ANSWER_LIMIT): Promise<string> {
    if (text.length <= limit) return text;
    const file = await this.keep(text, kind);
    return withoutMiddle({ text, limit, total: text.length, where: `all of it is in ${file}` });
  }

  /** Writes a text that is too long to be shown into a file, and says where that lies. */
  async keep(text: string, kind: string): Promise<string> {
    const file = this.spoolFile(kind);
    await writeFile(file, text);
    return file;
  }

  /** The same place for a sub-agent: what it has read is its own. */
  forSubAgent(): Workplace {
    const place = new Workplace(this.root, this.env);
    place.cwd = this.cwd;
    return place;
  }

  /** Ends what still runs, and takes the long outputs away. */
  close(): void {
    this.shells.killAll();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Beginning and end of a text, with a line between them that says how much is missing and where it lies. */
export function withoutMiddle(cut: {
  readonly text: string;
  readonly limit: number;
  readonly total: number;
  readonly where: string;
  /** The end, where `text` is only the beginning. */
  readonly end?: string;
}): string {
  const half = Math.floor(cut.limit / 2);
  const [head, tail] = [cut.text.slice(0, half), (cut.end ?? cut.text).slice(-half)];
  const missing = cut.total - head.length - tail.length;
  return `${head}\n\n[${missing} of ${cut.total} characters are left out here; ${cut.where}: Read it with offset and limit, or search it with Grep]\n\n${tail}`;
}
