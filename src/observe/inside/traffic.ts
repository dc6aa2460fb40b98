import { once } from "node:events";
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import type { Attempt } from "../../report/index.ts";
import { attempt } from "./attempt.ts";
import type { Targets } from "./task.ts";
import { connectByHttp, connectBySocks, connectTo, takeAll, takeUntil } from "./tunnel.ts";

function expectToken(answer: string, token: string): void {
  if (!answer.includes(token)) throw new Error(`another answer: ${answer.slice(0, 80)}`);
}

/** One HTTP/1.1 request; the status line, and the whole answer. */
async function ask(
  stream: Duplex,
  target: string,
  host: string,
): Promise<{ status: string; answer: string }> {
  stream.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const answer = await takeAll(stream);
  return { status: answer.slice(0, answer.indexOf("\r\n")).replace(/^HTTP\/1\.[01] /, ""), answer };
}

async function askThroughProxy(port: number) {
  const socket = await connectTo({ host: "localhost", port: 3128 });
  return ask(socket, `http://127.0.0.1:${port}/`, `127.0.0.1:${port}`);
}

async function tryHttp({ ports, token }: Targets): Promise<string> {
  const { status, answer } = await askThroughProxy(ports.http);
  expectToken(answer, token);
  return `${status} in absolute form`;
}

/** A real TLS session without a certificate: both ends know the key, and nobody between them does. */
async function tryHttps({ ports, token }: Targets): Promise<string> {
  const socket = await connectByHttp("127.0.0.1", ports.https);
  const secure = tls.connect({
    socket,
    ciphers: "PSK",
    maxVersion: "TLSv1.2",
    pskCallback: () => ({ identity: "workcell", psk: Buffer.from(token, "hex") }),
    checkServerIdentity: () => undefined,
  });
  await once(secure, "secureConnect");
  const protocol = secure.getProtocol() ?? "TLS";
  const { status, answer } = await ask(secure, "/", `127.0.0.1:${ports.https}`);
  expectToken(answer, token);
  return `${status} by CONNECT, ${protocol}`;
}

async function trySocks({ ports, token }: Targets): Promise<string> {
  const socket = await connectBySocks("localhost", ports.socks);
  const { status, answer } = await ask(socket, "/", `localhost:${ports.socks}`);
  expectToken(answer, token);
  return `HTTP ${status} by name`;
}

async function tryFtp({ ports, token }: Targets): Promise<string> {
  const control = await connectBySocks("localhost", ports.ftp);
  const say = async (command: string, code: string): Promise<string> => {
    if (command) control.write(`${command}\r\n`);
    const reply = await takeUntil(control, "\r\n");
    if (!reply.startsWith(code)) throw new Error(`${command || "greeting"}: ${reply.trim()}`);
    return reply;
  };
  await say("", "220");
  await say("USER anonymous", "331");
  await say("PASS observer@", "230");
  await say("TYPE I", "200");
  const port = Number(/\(\|\|\|(\d+)\|\)/.exec(await say("EPSV", "229"))?.[1]);
  const data = await connectBySocks("localhost", port);
  const content = takeAll(data);
  await say("RETR token.txt", "150");
  expectToken(await content, token);
  await say("", "226");
  await say("QUIT", "221");
  control.destroy();
  return "login, EPSV, RETR";
}

/** A unary call: length-prefixed messages both ways, and the status in the trailers. */
async function tryGrpc({ ports, token }: Targets): Promise<string> {
  const socket = await connectBySocks("localhost", ports.grpc);
  const session = http2.connect(`http://localhost:${ports.grpc}`, { createConnection: () => socket });
  const failed = once(session, "error").then(([error]) => Promise.reject(error));
  const call = async (): Promise<string> => {
    const stream = session.request({
      ...{ ":method": "POST", ":path": "/workcell.Observer/Look" },
      ...{ "content-type": "application/grpc", te: "trailers" },
    });
    const trailers = once(stream, "trailers");
    const message = Buffer.from("look");
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([head, message]));
    expectToken((await takeAll(stream)).slice(5), token);
    const [{ "grpc-status": status }] = (await trailers) as [Record<string, string>];
    if (status !== "0") throw new Error(`grpc-status ${status}`);
    return `unary call, status ${status}`;
  };
  try {
    return await Promise.race([call(), failed]);
  } finally {
    session.destroy();
  }
}

/** Goes through only when the server behind the refusal answers. */
async function tryBlocked({ ports, token }: Targets): Promise<string> {
  const { status, answer } = await askThroughProxy(ports.blocked);
  if (answer.includes(token)) return `answered: ${status}`;
  throw new Error(status);
}

async function tryDirect(where: { host: string; port: number }): Promise<string> {
  (await connectTo(where)).destroy();
  return "connected";
}

export type Traffic = Readonly<
  Record<"http" | "https" | "socks" | "ftp" | "grpc" | "blocked" | "direct", Attempt>
> & {
  readonly directToAddress: Attempt | null;
};

/** Everything that goes over a network, or must not, tried one after the other. */
export async function tryTraffic(targets: Targets): Promise<Traffic> {
  const { address, ports } = targets;
  return {
    http: await attempt(() => tryHttp(targets)),
    https: await attempt(() => tryHttps(targets)),
    socks: await attempt(() => trySocks(targets)),
    ftp: await attempt(() => tryFtp(targets)),
    grpc: await attempt(() => tryGrpc(targets)),
    blocked: await attempt(() => tryBlocked(targets)),
    direct: await attempt(() => tryDirect({ host: "127.0.0.1", port: ports.http })),
    directToAddress: address && (await attempt(() => tryDirect(address))),
  };
}
