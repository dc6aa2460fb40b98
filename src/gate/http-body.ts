import type net from "node:net";
import { type ByteReader, writeTo } from "./byte-reader.ts";
import type { Framing } from "./http-framing.ts";

/** How a body's relay ended: whole, cut short by its sender, or refused by its taker. */
export type Relayed = "whole" | "broken" | "gone";

const limitLine = 4096;
const limitTrailers = 64 * 1024;

/** Carries one body over, framed as it came; chunk extensions and trailers are left behind. */
export async function relayBody(
  from: ByteReader,
  to: net.Socket,
  options: { readonly framing: Framing; readonly count: (bytes: number) => void },
): Promise<Relayed> {
  const { framing } = options;
  const put = async (data: Buffer) => {
    options.count(data.length);
    return writeTo(to, data);
  };
  switch (framing.kind) {
    case "none":
      return "whole";
    case "length":
      return relayLength(from, framing.length, put);
    case "chunked":
      return relayChunks(from, put);
    case "close":
      return relayLength(from, Number.POSITIVE_INFINITY, put);
  }
}

type Put = (data: Buffer) => Promise<boolean>;

async function relayLength(from: ByteReader, length: number, put: Put): Promise<Relayed> {
  for (let left = length; left > 0; ) {
    const chunk = await from.next();
    if (chunk === undefined) return length === Number.POSITIVE_INFINITY ? "whole" : "broken";
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
    if (part.length < chunk.length) from.putBack(chunk.subarray(part.length));
    left -= part.length;
    if (!(await put(part))) return "gone";
  }
  return "whole";
}

async function relayChunks(from: ByteReader, put: Put): Promise<Relayed> {
  for (;;) {
    const size = chunkSize(await readLine(from));
    if (size === undefined) return "broken";
    if (size === 0) break;
    if (!(await put(Buffer.from(`${size.toString(16)}\r\n`, "latin1")))) return "gone";
    const relayed = await relayLength(from, size, put);
    if (relayed !== "whole") return relayed;
    if ((await readLine(from)) !== "") return "broken";
    if (!(await put(Buffer.from("\r\n", "latin1")))) return "gone";
  }
  for (let read = 0; read < limitTrailers; ) {
    const line = await readLine(from);
    if (line === undefined) return "broken";
    if (line === "") return (await put(Buffer.from("0\r\n\r\n", "latin1"))) ? "whole" : "gone";
    read += line.length;
  }
  return "broken";
}

/** The size in a chunk's first line; an extension may follow it, nothing else. */
function chunkSize(line: string | undefined): number | undefined {
  const digits = /^([0-9a-fA-F]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line ?? "")?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** One line without its CR LF; undefined when it is cut short, too long, or holds a lone CR or LF. */
async function readLine(from: ByteReader): Promise<string | undefined> {
  let line = "";
  for (;;) {
    const chunk = await from.next();
    if (chunk === undefined) return undefined;
    const end = chunk.indexOf(10);
    line += chunk.toString("latin1", 0, end === -1 ? chunk.length : end + 1);
    if (line.length > limitLine) return undefined;
    if (end === -1) continue;
    from.putBack(chunk.subarray(end + 1));
    return line.endsWith("\r\n") && line.indexOf("\r") === line.length - 2 ? line.slice(0, -2) : undefined;
  }
}
