import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import os from "node:os";
import tls from "node:tls";
import type { ServerName } from "../report/index.ts";
import { startFtpServer } from "./ftp-server.ts";
import type { Targets } from "./inside/task.ts";

/** The host's end of what the observer tries: servers that count what arrives. */
export interface TestServers {
  readonly targets: Targets;
  /** Patterns that let the observer through to all of them but `blocked`. */
  readonly allowHosts: readonly string[];
  readonly arrivals: Readonly<Record<ServerName, number>>;
  close(): void;
}

type Count = (name: ServerName) => void;

function httpServer(token: string, onRequest: () => void): Server {
  return http.createServer((_, response) => {
    onRequest();
    response.end(token);
  });
}

/** TLS by a key that both ends know: no certificate has to be made for a moment's test. */
function httpsServer(token: string, onRequest: () => void): Server {
  const options = {
    ciphers: "PSK",
    maxVersion: "TLSv1.2" as const,
    pskCallback: () => Buffer.from(token, "hex"),
  };
  return tls.createServer(options, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      onRequest();
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${token.length}\r\nConnection: close\r\n\r\n${token}`);
    });
  });
}

/** Answers every unary call with the token, status 0 in the trailers. */
function grpcServer(token: string, onCall: () => void): Server {
  const server = http2.createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume().on("end", () => {
      onCall();
      const head = Buffer.alloc(5);
      head.writeUInt32BE(token.length, 1);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.concat([head, Buffer.from(token)]));
    });
  });
  return server;
}

function hostAddress(): string | undefined {
  const all = Object.values(os.networkInterfaces()).flatMap((entries) => entries ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address;
}

/** A server at an address of the host's that is not loopback: it says nothing, and is open for a moment. */
async function listenAtAddress(): Promise<{ server: Server; host: string } | undefined> {
  const host = hostAddress();
  if (host === undefined) return undefined;
  const server = createServer((socket) => socket.on("error", () => {}).destroy()).listen(0, host);
  await once(server, "listening");
  return { server, host };
}

async function listenAll(token: string, count: Count) {
  const plain = {
    http: httpServer(token, () => count("http")),
    https: httpsServer(token, () => count("https")),
    socks: httpServer(token, () => count("socks")),
    grpc: grpcServer(token, () => count("grpc")),
    blocked: httpServer(token, () => count("blocked")),
  };
  const listening = Object.values(plain).map((server) => once(server.listen(0, "127.0.0.1"), "listening"));
  await Promise.all(listening);
  const { control, data } = await startFtpServer(token, () => count("ftp"));
  return { ...plain, ftp: control, data };
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** Connections are cut, not awaited: a keep-alive client would hold the report up. */
function closer(servers: readonly Server[]): () => void {
  const open = new Set<Socket>();
  for (const server of servers) {
    server.on("connection", (socket) => {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
    });
  }
  return () => {
    for (const server of servers) server.close();
    for (const socket of open) socket.destroy();
  };
}

/** Starts all servers on ephemeral ports of the host's loopback. */
export async function startServers(): Promise<TestServers> {
  const token = randomBytes(16).toString("hex");
  const arrivals = { http: 0, https: 0, socks: 0, ftp: 0, grpc: 0, blocked: 0 };
  const servers = await listenAll(token, (name) => {
    arrivals[name] += 1;
  });
  const far = await listenAtAddress();
  const { http, https, socks, grpc, blocked, ftp, data } = servers;
  const ports = {
    ...{ http: portOf(http), https: portOf(https), socks: portOf(socks) },
    ...{ ftp: portOf(ftp), grpc: portOf(grpc), blocked: portOf(blocked) },
  };
  return {
    targets: { token, ports, address: far ? { host: far.host, port: portOf(far.server) } : null },
    allowHosts: [
      ...[http, https].map((server) => `127.0.0.1:${portOf(server)}`),
      ...[socks, ftp, data, grpc].map((server) => `localhost:${portOf(server)}`),
    ],
    arrivals,
    close: closer([...Object.values(servers), ...(far ? [far.server] : [])]),
  };
}
