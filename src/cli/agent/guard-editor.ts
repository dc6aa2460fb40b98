import type { Readable, Writable } from "node:stream";
import { Transform } from "node:stream";

/** Why an editor's folder is not worked in; `undefined`: it may be. */
export type Objection = (folder: string) => string | undefined;

/** JSON-RPC's number for parameters that are not taken. */
const INVALID_PARAMS = -32_602;

interface Ends {
  /** The editor's. */
  readonly from: Readable;
  readonly to: Writable;
  /** The agent's. */
  readonly stdin: Writable;
  readonly stdout: Readable;
}

/** Passes on what an editor and an agent say to each other, line by line; a request for a folder that is objected to is answered instead. */
export function guardEditor({ from, to, stdin, stdout }: Ends, object: Objection): void {
  // An agent, or an editor, that has ended hears nothing more.
  for (const end of [from, to, stdin, stdout]) end.on("error", () => {});
  from
    .pipe(
      inLines((line) => {
        const refusal = refusalOf(line, object);
        if (refusal === undefined) return line;
        to.write(`${refusal}\n`);
        return undefined;
      }),
    )
    .pipe(stdin);
  // Whole lines, so that an answer of Workcell's own never comes into the middle of one.
  stdout.pipe(inLines((line) => line)).pipe(to, { end: false });
}

function refusalOf(line: Buffer, object: Objection): string | undefined {
  for (const said of messagesIn(line)) {
    const { id = null, params } = fieldsOf(said);
    const { cwd } = fieldsOf(params);
    const message = typeof cwd === "string" ? object(cwd) : undefined;
    if (message !== undefined)
      return JSON.stringify({ jsonrpc: "2.0", id, error: { code: INVALID_PARAMS, message } });
  }
  return undefined;
}

const fieldsOf = (value: unknown): Readonly<Record<"id" | "params" | "cwd", unknown>> =>
  Object(value) === value ? (value as never) : ({} as never);

function messagesIn(line: Buffer): readonly unknown[] {
  try {
    const said: unknown = JSON.parse(line.toString("utf8"));
    return Array.isArray(said) ? said : [said];
  } catch {
    // The agent cannot read it either.
    return [];
  }
}

const NEWLINE = 10;

/** A line longer than this is left out: an agent in a cell must not fill the host's memory with one that never ends. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/** What becomes of each line; the last one may lack its end. */
function inLines(become: (line: Buffer) => Buffer | undefined): Transform {
  let begun: Buffer[] = [];
  let bytes = 0;
  const lineWith = (end: Buffer) => {
    const line = bytes + end.length > LIMIT_BYTES ? undefined : become(Buffer.concat([...begun, end]));
    begun = [];
    bytes = 0;
    return line;
  };
  return new Transform({
    transform(chunk: Buffer, _, done) {
      let rest = chunk;
      for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
        const line = lineWith(rest.subarray(0, end + 1));
        if (line !== undefined) this.push(line);
        rest = rest.subarray(end + 1);
      }
      bytes += rest.length;
      if (bytes > LIMIT_BYTES) begun = [];
      else if (rest.length > 0) begun.push(rest);
      done();
    },
    flush(done) {
      const line = bytes === 0 ? undefined : lineWith(Buffer.alloc(0));
      if (line !== undefined) this.push(line);
      done();
    },
  });
}
