import type net from "node:net";
import type { HostAnswer } from "../policy/index.ts";
import type { ByteReader } from "./byte-reader.ts";
import { type Dialled, dial } from "./dial.ts";
import type { Authority } from "./http-target.ts";
import { type ServedCell, subjectOf } from "./served-cell.ts";
import { plainFaucet, splice } from "./splice.ts";

/** One client of one cell. */
export interface Conversation {
  readonly cell: ServedCell;
  readonly client: net.Socket;
  readonly reader: ByteReader;
}

/** How the protocol in front of the tunnel tells its client. */
export interface TunnelVoice {
  /** The tunnel stands. */
  accept(): void;
  refuse(answer: Extract<Dialled, { state: "denied" }>["answer"]): Promise<void>;
  fail(failure: string): Promise<void>;
}

/**
 * Dials an allowed target and joins both sides. Resolves to "plain" when all rules of the target are limited to
 * methods and the client turns out to speak no TLS: then its requests are to be read one by one.
 */
export async function runTunnel(
  conversation: Conversation,
  target: Authority,
  means: { readonly answer: HostAnswer; readonly voice: TunnelVoice },
): Promise<"ended" | "plain"> {
  const { cell, client, reader } = conversation;
  const { answer, voice } = means;
  const entry = cell.open(answer, "connect", subjectOf(target));
  const dialled = await dial(cell, target, "tunnel");
  if (dialled.state === "denied") {
    cell.withdraw(entry);
    cell.refuse(dialled.answer, "connect", subjectOf(target));
    await voice.refuse(dialled.answer);
    return "ended";
  }
  entry.address = dialled.address;
  if (dialled.state === "failed") {
    entry.finish(dialled.failure);
    await voice.fail(dialled.failure);
    return "ended";
  }
  const { faucet } = dialled;
  voice.accept();
  const limited = answer.rules.every((rule) => rule.methods !== undefined);
  if (limited && !(await speaksSealed(reader, faucet.socket))) {
    faucet.socket.destroy();
    entry.finish();
    return "plain";
  }
  await splice(plainFaucet(client, reader.release()), faucet, entry);
  entry.finish();
  return "ended";
}

/** What an SSH client's first line may have, its end included. */
const limitBanner = 255;

/**
 * SECURITY(P6): where only some methods are allowed, a tunnel must not carry others in the clear. TLS and SSH cannot be
 * read, and no HTTP server takes their first bytes for a request.
 */
async function speaksSealed(reader: ByteReader, upstream: net.Socket): Promise<boolean> {
  let first: Buffer = Buffer.alloc(0);
  const gone = new Promise<undefined>((resolve) => upstream.once("close", () => resolve(undefined)));
  while (first.length < 4 || isBannerBegun(first)) {
    const piece = await Promise.race([reader.next(), gone]);
    if (piece === undefined) break;
    first = first.length === 0 ? piece : Buffer.concat([first, piece]);
  }
  reader.putBack(first);
  if (first.length === 0) return true;
  const hello = first[0] === 0x16 && first[1] === 0x03 && (first[2] ?? 255) <= 4;
  return hello || isBanner(first);
}

function isBannerBegun(first: Buffer): boolean {
  return (
    first.length < limitBanner && first.toString("latin1", 0, 4) === "SSH-" && first.indexOf("\n") === -1
  );
}

/** `SSH-2.0-x` is a method to a server that takes any: only the whole line tells a client of SSH from a request. */
function isBanner(first: Buffer): boolean {
  const [line = ""] = /^[^\n]*\n/.exec(first.toString("latin1", 0, limitBanner)) ?? [];
  return /^SSH-(?:2\.0|1\.99)-/.test(line) && !/HTTP\//i.test(line);
}
