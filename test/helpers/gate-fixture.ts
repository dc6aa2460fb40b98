import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { type CellEnds, createGate, type GateOptions } from "../../src/gate/index.ts";
import type { AuditEvent, Denial, HostRule, NetworkPolicy } from "../../src/model/index.ts";
import { parseHostPattern } from "../../src/policy/index.ts";

/** A rule as a tool's own configuration makes it: the host may be private. */
export function namedRule(text: string, more: Partial<HostRule> = {}): HostRule {
  return { ...flagRule(text), named: true, origin: "test, preset npm", ...more };
}

/** A rule as the person makes it. */
export function flagRule(text: string, more: Partial<HostRule> = {}): HostRule {
  const origin = "flag --allow-host";
  return { effect: "allow", pattern: parseHostPattern(text, origin), origin, named: false, ...more };
}

export interface GateFixture extends AsyncDisposable {
  readonly socket: string;
  readonly socksSocket: string;
  readonly events: AuditEvent[];
  readonly denials: Denial[];
  /** Names that were looked up, in order. */
  readonly lookups: string[];
  /** Sends the pieces, each after the one before has left, and gives all that came back until the end. */
  talk(...pieces: readonly (string | Buffer)[]): Promise<string>;
  close(): Promise<void>;
}

/** A gate that listens on real sockets in a folder of its own; every name resolves to loopback unless told. */
export async function openGate(
  rules: readonly HostRule[],
  options: Partial<GateOptions & Pick<CellEnds, "credentials"> & Pick<NetworkPolicy, "routes">> = {},
): Promise<GateFixture> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "gate-"));
  const sockets = { http: path.join(folder, "h"), socks: path.join(folder, "s") };
  const lookups: string[] = [];
  const resolve = options.resolve ?? (async () => ["127.0.0.1"]);
  const gate = createGate({
    upstream: { noProxy: [] },
    ownAddresses: () => [],
    ...options,
    resolve: (host) => {
      lookups.push(host);
      return resolve(host);
    },
  });
  const events: AuditEvent[] = [];
  const denials: Denial[] = [];
  const served = gate.serve({
    network: { rules, ...(options.routes && { routes: options.routes }) },
    ...(options.credentials && { credentials: options.credentials }),
    sockets,
    session: "test-session",
    cell: "1",
    emit: (event) => events.push(event),
    denied: (denial) => denials.push(denial),
  });
  await served.ready;
  return {
    socket: sockets.http,
    socksSocket: sockets.socks,
    events,
    denials,
    lookups,
    talk: (...pieces) => talk(sockets.http, pieces),
    close: () => served.close(),
    async [Symbol.asyncDispose]() {
      await served.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function talk(socketPath: string, pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = net.connect({ path: socketPath, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.on("end", () => socket.end());
  for (const piece of pieces) {
    if (!socket.writable) break;
    await new Promise<void>((resolve) => {
      socket.write(piece, "latin1", () => resolve());
    });
    if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
  return Buffer.concat(chunks).toString("latin1");
}

export interface Origin extends AsyncDisposable {
  readonly port: number;
  /** Heads as the origin read them: request line and raw header pairs. */
  readonly seen: string[];
}

/** A real HTTP server on loopback that answers with what it was asked and the body it was sent. */
export async function openOrigin(handler?: http.RequestListener): Promise<Origin> {
  const seen: string[] = [];
  const server = http.createServer((request, response) => {
    const raw = request.rawHeaders
      .map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}; `))
      .join("");
    seen.push(`${request.method} ${request.url} ${raw}`.trim());
    if (handler !== undefined) return handler(request, response);
    const body: Buffer[] = [];
    request.on("data", (chunk: Buffer) => body.push(chunk));
    request.on("end", () => {
      const text = `${request.method} ${request.url} ${Buffer.concat(body).toString("latin1")}`;
      response.writeHead(200, { "content-length": String(text.length), date: "now" }).end(text);
    });
    return undefined;
  });
  return { ...(await listening(server)), seen };
}

/** A server that sends back what it gets, and ends when its client ends. */
export async function openEcho(): Promise<{ readonly port: number } & AsyncDisposable> {
  return listening(net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)));
}

/** A server that answers every connection with these bytes after the first that it gets, and ends. */
export async function openCanned(answer: string): Promise<Origin> {
  const seen: string[] = [];
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (chunk) => {
      seen.push(chunk.toString("latin1"));
      socket.end(answer, "latin1");
    });
  });
  return { ...(await listening(server)), seen };
}

/** Listens on a free port of loopback until disposed of. */
export async function listening(server: net.Server): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
