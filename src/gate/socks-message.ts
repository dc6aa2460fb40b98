import { parseAddress, parseHost } from "../policy/index.ts";
import type { Authority } from "./http-target.ts";

/** RFC 1928, the replies that are used. */
export const reply = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  timedOut: 6,
  commandNotSupported: 7,
  addressNotSupported: 8,
} as const;

export type Reply = (typeof reply)[keyof typeof reply];

/** What the bytes so far amount to; `used` is how many of them. */
export type SocksRead<T> =
  | { readonly state: "more" }
  | { readonly state: "bad"; readonly reply: Reply; readonly reason: string; readonly host?: string }
  | { readonly state: "done"; readonly used: number; readonly value: T };

const more = { state: "more" } as const;

/** The greeting: whether the client can go without a password. */
export function readGreeting(bytes: Buffer): SocksRead<{ readonly open: boolean }> {
  const count = bytes[1];
  if (count === undefined || bytes.length < 2 + count) return more;
  return { state: "done", used: 2 + count, value: { open: bytes.subarray(2, 2 + count).includes(0) } };
}

/** The request; anything but CONNECT to one strictly spelled host is refused. */
export function readRequest(bytes: Buffer): SocksRead<Authority> {
  if (bytes.length < 5) return more;
  const [version, command, reserved, type, first = 0] = bytes;
  if (version !== 5)
    return { state: "bad", reply: reply.failure, reason: "the request is not of SOCKS version 5" };
  const length = type === 1 ? 4 : type === 4 ? 16 : type === 3 ? 1 + first : undefined;
  if (length === undefined || reserved !== 0) {
    return {
      state: "bad",
      reply: reply.addressNotSupported,
      reason: "the request has an unknown kind of address",
    };
  }
  if (bytes.length < 4 + length + 2) return more;
  if (command !== 1) {
    const name = command === 2 ? "BIND" : command === 3 ? "UDP ASSOCIATE" : `command ${command}`;
    return { state: "bad", reply: reply.commandNotSupported, reason: `${name} is not served, only CONNECT` };
  }
  const text = hostText(bytes.subarray(4, 4 + length), type ?? 0);
  const port = bytes.readUInt16BE(4 + length);
  const host = parseHost(text);
  if (!host.ok)
    return { state: "bad", reply: reply.notAllowed, reason: host.reason, host: `${text}:${port}` };
  if (port === 0)
    return { state: "bad", reply: reply.failure, reason: "port 0 cannot be connected to", host: `${text}:0` };
  return { state: "done", used: 4 + length + 2, value: { kind: host.kind, host: host.host, port } };
}

/** A reply without a bound address, which no client needs. */
export function replyBytes(code: Reply): Buffer {
  return Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
}

/** The reply for a connection that failed with this code of Node's. */
export function replyFor(failure: string): Reply {
  if (failure === "ECONNREFUSED") return reply.refused;
  if (failure === "ENETUNREACH") return reply.networkUnreachable;
  if (failure === "ETIMEDOUT") return reply.timedOut;
  return ["EHOSTUNREACH", "ENOTFOUND", "EAI_AGAIN", "ENODATA"].includes(failure)
    ? reply.hostUnreachable
    : reply.failure;
}

function hostText(bytes: Buffer, type: number): string {
  if (type === 3) return bytes.toString("latin1", 1);
  if (type === 1) return bytes.join(".");
  const groups = bytes.toString("hex").match(/..../g) ?? [];
  return parseAddress(groups.join(":"))?.text ?? "";
}
