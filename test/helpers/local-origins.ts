import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import path from "node:path";

/** A server on loopback, and what it was asked. */
export interface LocalServer extends AsyncDisposable {
  readonly port: number;
  /** `METHOD target`, in order. */
  readonly asked: string[];
}

/** Files of a certificate authority of the test's own, and a server's that it vouches for. */
export interface Authority {
  readonly caFile: string;
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** Makes an authority with openssl; its server is 127.0.0.1 and all of `names`. */
export function makeAuthority(folder: string, names: readonly string[]): Authority {
  const at = (name: string) => path.join(folder, name);
  const openssl = (...words: string[]) => execFileSync("openssl", words, { stdio: "pipe" });
  const alternatives = ["IP:127.0.0.1", ...names.map((name) => `DNS:${name}`)].join(",");
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    ...["req", "-x509", ...newKey, "-days", "2", "-subj", "/CN=test authority", "-keyout", at("ca.key")],
    ...["-out", at("ca.pem"), "-addext", "basicConstraints=critical,CA:TRUE"],
  );
  openssl("req", ...newKey, "-subj", "/CN=server", "-keyout", at("server.key"), "-out", at("server.csr"));
  writeFileSync(at("server.ext"), `subjectAltName=${alternatives}\n`);
  openssl(
    ...[
      "x509",
      "-req",
      "-in",
      at("server.csr"),
      "-CA",
      at("ca.pem"),
      "-CAkey",
      at("ca.key"),
      "-CAcreateserial",
    ],
    ...["-days", "2", "-extfile", at("server.ext"), "-out", at("server.pem")],
  );
  return { caFile: at("ca.pem"), key: readFileSync(at("server.key")), cert: readFileSync(at("server.pem")) };
}

async function listen(server: net.Server, asked: string[]): Promise<LocalServer> {
  const open = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  return {
    port: address.port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Answers each path with its content, a POST with the length of what was posted, and anything else with 404. */
function answering(content: ReadonlyMap<string, Buffer | string>, asked: string[]): http.RequestListener {
  return (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
    });
    request.on("end", () => {
      const found = content.get(request.url ?? "");
      response.statusCode = found === undefined && request.method !== "POST" ? 404 : 200;
      response.end(request.method === "POST" ? `${length}` : (found ?? "nothing here"));
    });
  };
}

export function serveHttp(content: ReadonlyMap<string, Buffer | string>): Promise<LocalServer> {
  const asked: string[] = [];
  return listen(http.createServer(answering(content, asked)), asked);
}

export function serveHttps(
  content: ReadonlyMap<string, Buffer | string>,
  { key, cert }: Authority,
): Promise<LocalServer> {
  const asked: string[] = [];
  return listen(https.createServer({ key, cert }, answering(content, asked)), asked);
}

/** A machine's proxy: whatever it is asked for, it fetches from loopback; `tunnelTo` is where CONNECT leads. */
export function serveProxy(tunnelTo: number, authorization?: string): Promise<LocalServer> {
  const asked: string[] = [];
  const isKnown = (request: http.IncomingMessage) =>
    authorization === undefined || request.headers["proxy-authorization"] === authorization;
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.statusCode = isKnown(request) ? 200 : 407;
    response.end(`proxied ${request.url}`);
  });
  server.on("connect", (request: http.IncomingMessage, client: net.Socket, head: Buffer) => {
    asked.push(`CONNECT ${request.url}`);
    if (!isKnown(request)) return void client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    const upstream = net.connect(tunnelTo, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connected\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on("error", () => client.destroy());
    return undefined;
  });
  return listen(server, asked);
}
