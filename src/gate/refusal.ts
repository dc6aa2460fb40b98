import type net from "node:net";
import type { Answer } from "../model/index.ts";
import type { ByteReader } from "./byte-reader.ts";

/** An answer of the gate itself, instead of the one that was asked for. */
export interface OwnAnswer {
  readonly status: number;
  /** One line, for programs that show nothing else of an answer. */
  readonly phrase: string;
  readonly lines: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** HEAD has no body. */
  readonly bodiless?: boolean;
}

/** A client, and whoever reads from it. */
export interface Listener {
  readonly client: net.Socket;
  readonly reader: ByteReader;
}

/** How long a client that is still sending may take to read the answer. */
const lingerMs = 2_000;
const limitPhrase = 300;

/** Names layer, rule, origin and remedy, in the status line, a header and the body alike. */
export function refusalAnswer(answer: Answer, what: string): OwnAnswer {
  const { rule, origin, remedy = "" } = answer;
  return {
    status: 403,
    phrase: `Refused by Workcell's gate: ${rule}. To allow it: ${remedy}`,
    headers: { "x-workcell-denied": rule },
    lines: [
      `Workcell refused ${what}`,
      `layer   ${answer.layer}`,
      `rule    ${rule}`,
      `origin  ${origin}`,
      `remedy  ${remedy}`,
    ],
  };
}

/** For what is no question, or cannot be carried out. */
export function faultAnswer(status: number, reason: string): OwnAnswer {
  const kind = status >= 500 ? "could not carry this out" : "cannot take this request";
  return {
    status,
    phrase: `Workcell's gate: ${reason}`,
    headers: { "x-workcell-fault": reason },
    lines: [`Workcell's gate ${kind}: ${reason}`],
  };
}

/** Sends the answer and ends the connection so that a client that is still sending gets to read it. */
export async function answerAndEnd(to: Listener, answer: OwnAnswer): Promise<void> {
  const body = `${answer.lines.join("\n")}\n`;
  const fields = {
    "content-type": "text/plain; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    ...answer.headers,
    connection: "close",
  };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${oneLine(value)}\r\n`);
  const phrase = oneLine(answer.phrase).slice(0, limitPhrase);
  to.client.write(`HTTP/1.1 ${answer.status} ${phrase}\r\n${head.join("")}\r\n`, "latin1");
  await endPolitely(to, answer.bodiless === true ? "" : body);
}

/**
 * Sends the last bytes and reads on until the client has ended too: a socket closed with bytes unread would take
 * the answer back.
 */
export async function endPolitely({ client, reader }: Listener, last: string | Buffer): Promise<void> {
  reader.release();
  client.end(last);
  client.resume();
  if (client.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => client.destroy(), lingerMs);
    client.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** SECURITY(P6): a rule or host in a header must not be able to begin another one. */
function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
