import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import type { CellRun } from "./cellinit.ts";

const program = path.resolve(import.meta.dirname, "../fixtures/fake-cellhost.py");

/** What the stand-in says of a run, as test/fixtures/fake-cellhost.py prints it. */
type Raw = Omit<CellRun, "said" | "code" | "signal" | "marked"> & { readonly status: number };

/** The stand-in for cellhost, started once for all runs of a test file. */
export class FakeCellhost implements Disposable {
  readonly #folder: string;
  readonly #orders: number;
  readonly #answers: number;
  #rest = "";

  /** `parent` is a folder to work in. */
  constructor(parent: string) {
    this.#folder = mkdtempSync(path.join(parent, "driver-"));
    execFileSync("mkfifo", [this.#at("orders"), this.#at("answers")]);
    // Opened for reading and writing, a FIFO waits for nobody at its other end.
    const [orders, answers] = [openSync(this.#at("orders"), "r+"), openSync(this.#at("answers"), "r+")];
    const errors = openSync(this.#at("errors"), "w");
    this.#orders = openSync(this.#at("orders"), "w");
    this.#answers = openSync(this.#at("answers"), "r");
    // Its own end is for reading alone: else its input would never be at an end, nor would it.
    const input = openSync(this.#at("orders"), "r");
    spawn("/usr/bin/python3", ["-IS", program], { stdio: [input, answers, errors] }).unref();
    for (const descriptor of [orders, input, answers, errors]) closeSync(descriptor);
  }

  #at(name: string): string {
    return path.join(this.#folder, name);
  }

  /** Has one run made, to its end; what was said. */
  run(task: unknown): Raw {
    writeSync(this.#orders, `${JSON.stringify(task)}\n`);
    const answer = JSON.parse(this.#line());
    if ("failed" in answer) throw new Error(`The stand-in for cellhost failed: ${this.#errors()}`);
    return answer;
  }

  #line(): string {
    const chunk = Buffer.alloc(65_536);
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      const length = readSync(this.#answers, chunk);
      if (length === 0) throw new Error(`The stand-in for cellhost is gone: ${this.#errors()}`);
      this.#rest += chunk.toString("latin1", 0, length);
    }
  }

  #errors(): string {
    return readFileSync(this.#at("errors"), "utf8");
  }

  [Symbol.dispose](): void {
    closeSync(this.#orders);
    closeSync(this.#answers);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
