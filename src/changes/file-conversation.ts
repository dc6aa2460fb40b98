import type { ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { WorkcellError } from "../errors/index.ts";
import { shortLine } from "../lib/short-line.ts";
import { errorName, fileError } from "./file-error.ts";
import { decodeRefusal } from "./file-wire.ts";

type Program = ChildProcessByStdio<Writable, Readable, Readable>;

/** Kinds of an answer's frames: native/cellfiles/protocol.h. */
const more = "m".charCodeAt(0);
const refusal = "e".charCodeAt(0);
const headBytes = 5;
const mostComplaints = 4096;

interface Awaited {
  /** What was tried, for a person; told only when it fails. */
  readonly attempt: () => string;
  readonly parts: Buffer[];
  readonly resolve: (bytes: Buffer) => void;
  readonly reject: (error: WorkcellError) => void;
}

/** Requests in the order in which they were sent, and the answers that come back in the same. */
export class Conversation {
  readonly #program: Program;
  readonly #awaited: Awaited[] = [];
  #first = 0;
  #unsent: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #complaints = "";
  #dead: WorkcellError | undefined;
  /** Kept when the program is gone, and nothing more comes. */
  readonly ended: Promise<void>;

  constructor(program: Program) {
    this.#program = program;
    program.stdout.on("data", (bytes: Buffer) => this.#read(bytes));
    program.stderr.setEncoding("latin1").on("data", (text: string) => {
      this.#complaints = (this.#complaints + text).slice(0, mostComplaints);
    });
    // What cannot be written any more is told by the program's end.
    program.stdin.on("error", () => {});
    this.ended = new Promise((resolve) => {
      program.once("error", (error: NodeJS.ErrnoException) => {
        this.#complaints ||= `${error.message} (errno ${error.code ?? "EIO"})`;
        this.#end("it could not be started");
        resolve();
      });
      program.once("close", (code, signal) => {
        this.#end(signal === null ? `it ended with ${code}` : `it was ended by ${signal}`);
        resolve();
      });
    });
  }

  /** Every answer that is outstanding, and every later one, is this. */
  #end(how: string): void {
    const said = shortLine(this.#complaints.trim());
    const code = /\(errno ([A-Z0-9]+)\)$/.exec(said)?.[1] ?? "EPIPE";
    const fault = { code, step: "talk to cellfiles" };
    const why = said === "" ? `cellfiles is gone, ${how}` : said;
    this.#dead ??= fileError("work on the folders", fault, why);
    for (const { attempt, reject } of this.#awaited.splice(0).slice(this.#first))
      reject(fileError(attempt(), fault, why));
    this.#first = 0;
  }

  #read(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (all.length - at >= headBytes) {
      const end = at + 4 + all.readUInt32LE(at);
      if (end > all.length) break;
      this.#take(all.readUInt8(at + 4), all.subarray(at + headBytes, end));
      at = end;
    }
    this.#rest = all.subarray(at);
  }

  #take(kind: number, bytes: Buffer): void {
    const awaited = this.#awaited[this.#first];
    if (awaited === undefined) return;
    if (kind === more) {
      awaited.parts.push(bytes);
      return;
    }
    this.#first++;
    this.#forget();
    if (kind === refusal) {
      const { errno, step } = decodeRefusal(bytes);
      awaited.reject(fileError(awaited.attempt(), { code: errorName(errno), step }));
    } else {
      awaited.resolve(awaited.parts.length === 0 ? bytes : Buffer.concat([...awaited.parts, bytes]));
    }
  }

  /** Taking each from the front would move all that are behind it. */
  #forget(): void {
    if (this.#first < 1024 && this.#first < this.#awaited.length) return;
    this.#awaited.splice(0, this.#first);
    this.#first = 0;
  }

  /** Waits for one more answer. */
  expect(attempt: () => string): Promise<Buffer> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      this.#awaited.push({ attempt, parts: [], resolve, reject });
    });
  }

  /** Sends a request, together with what the same answers make others ask. */
  ask(attempt: () => string, request: Buffer): Promise<Buffer> {
    if (this.#dead === undefined) {
      if (this.#unsent.length === 0) process.nextTick(() => this.#send());
      this.#unsent.push(request);
    }
    return this.expect(attempt);
  }

  #send(): void {
    if (this.#unsent.length === 0) return;
    this.#program.stdin.write(Buffer.concat(this.#unsent));
    this.#unsent = [];
  }

  async close(): Promise<void> {
    if (this.#unsent.length > 0) this.#send();
    this.#program.stdin.end();
    await this.ended;
  }
}
