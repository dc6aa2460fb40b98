import net from "node:net";
import { authorityText } from "../policy/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { connected } from "./connected.ts";
import type { Dialled, Dialler, Purpose } from "./dial.ts";
import { headText } from "./http-framing.ts";
import { parseResponseHead } from "./http-head.ts";
import type { Authority } from "./http-target.ts";
import type { MachineProxy } from "./machine-proxy.ts";
import { readHead } from "./read-head.ts";
import { plainFaucet } from "./splice.ts";

const timeoutMs = 30_000;

interface ByProxy {
  readonly proxy: MachineProxy;
  readonly target: Authority;
  readonly purpose: Purpose;
}

/** Connects to a target through the machine's own proxy, which gets the name and resolves it itself. */
export async function dialByProxy(cell: Dialler, options: ByProxy): Promise<Dialled> {
  const { proxy, target, purpose } = options;
  const address = authorityText(proxy.host, proxy.port);
  const socket = await connectProxy(cell, proxy);
  const failure = await connected(socket, { event: proxy.secure ? "secureConnect" : "connect", timeoutMs });
  if (failure !== undefined) return { state: "failed", failure: `proxy: ${failure}`, address };
  const proxyHeaders =
    proxy.authorization === undefined ? {} : { "Proxy-Authorization": proxy.authorization };
  if (purpose === "request") {
    return { state: "connected", faucet: plainFaucet(socket, []), address, proxyHeaders };
  }
  return openTunnel(socket, { target, address, headers: proxyHeaders });
}

async function connectProxy(cell: Dialler, proxy: MachineProxy): Promise<net.Socket> {
  const tcp = { host: proxy.host, port: proxy.port, allowHalfOpen: true, noDelay: true };
  const socket = proxy.secure
    ? (await import("./secure-connect.ts")).secureConnect(tcp, cell.context.extraCa)
    : net.connect(tcp);
  cell.track(socket);
  return socket;
}

async function openTunnel(
  socket: net.Socket,
  options: {
    readonly target: Authority;
    readonly address: string;
    readonly headers: Readonly<Record<string, string>>;
  },
): Promise<Dialled> {
  const { target, address } = options;
  const authority = authorityText(target.host, target.port);
  const headers = Object.entries({ Host: authority, ...options.headers }).map(([name, value]) => ({
    name,
    value,
  }));
  socket.write(headText(`CONNECT ${authority} HTTP/1.1`, headers), "latin1");
  const reader = new ByteReader(socket);
  const read = await readHead(reader, {
    parse: parseResponseHead,
    headTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
  });
  if (read.state === "head" && read.head.status >= 200 && read.head.status < 300) {
    return { state: "connected", faucet: plainFaucet(socket, reader.release()), address };
  }
  socket.destroy();
  const failure = read.state === "head" ? `proxy answered ${read.head.status}` : "proxy gave no answer";
  return { state: "failed", failure, address };
}
