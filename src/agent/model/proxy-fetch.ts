import http from "node:http";
import type https from "node:https";
import net from "node:net";
import { Readable } from "node:stream";
import { ModelFailure } from "./model-failure.ts";
import { addressOf, credentialOf } from "./proxy-address.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A `fetch` that goes by the proxy that the environment names, as a cell's does; Node's own does not before Node 24.
 * A plain request goes to the proxy in absolute form, a TLS one through CONNECT.
 */
export function proxyFetch(env: Environment): typeof fetch {
  const ways = new Map<string, Promise<Way>>();
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const proxy = proxyFor(url, env);
    const kind = `${url.protocol} ${proxy?.href}`;
    const way = ways.get(kind) ?? wayTo(url, proxy);
    ways.set(kind, way);
    return exchange({ url, proxy, init }, await way);
  };
}

/** The proxy for an address, or `undefined` where NO_PROXY names its host. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const names = url.protocol === "https:" ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy", "HTTP_PROXY"];
  const named = names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
  if (named === undefined) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const isExempt = (env["no_proxy"] ?? env["NO_PROXY"] ?? "")
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      const [, name = "", onlyPort] =
        /^\[?(.*?)\]?(?::(\d+))?$/.exec(net.isIPv6(entry) ? `[${entry}]` : entry) ?? [];
      if (name === "" || (onlyPort !== undefined && onlyPort !== port)) return false;
      const bare = name.replace(/^\*?\./, "");
      return name === "*" || host === bare || (!net.isIP(host) && host.endsWith(`.${bare}`));
    });
  return isExempt ? undefined : new URL(/^[a-z]+:\/\//i.test(named) ? named : `http://${named}`);
}

/** How requests of one kind are made, and their connections kept. */
interface Way {
  readonly agent: http.Agent | https.Agent;
  readonly request: (options: https.RequestOptions) => http.ClientRequest;
}

async function wayTo({ protocol }: URL, proxy: URL | undefined): Promise<Way> {
  if (protocol === "http:") return { agent: new http.Agent({ keepAlive: true }), request: http.request };
  const { secureAgent, secureRequest } = await import("./secure.ts");
  return { agent: secureAgent(proxy), request: secureRequest };
}

interface Exchange {
  readonly url: URL;
  readonly proxy: URL | undefined;
  readonly init: RequestInit;
}

function exchange({ url, proxy, init }: Exchange, { agent, request }: Way): Promise<Response> {
  const headers = Object.fromEntries(new Headers(init.headers ?? {}));
  const body = init.body === undefined || init.body === null ? undefined : Buffer.from(init.body as string);
  const byProxy = url.protocol === "http:" && proxy !== undefined;
  const options: https.RequestOptions = {
    ...(byProxy
      ? { ...addressOf(proxy), path: url.href }
      : { host: addressOf(url).host, path: url.pathname + url.search }),
    ...(!byProxy && url.port !== "" ? { port: Number(url.port) } : {}),
    method: init.method ?? "GET",
    headers: {
      ...headers,
      host: url.host,
      ...(byProxy ? credentialOf(proxy) : {}),
      ...(body === undefined ? {} : { "content-length": `${body.length}` }),
    },
    agent,
    ...(init.signal ? { signal: init.signal } : {}),
  };
  return new Promise((resolve, reject) => {
    const ask = request(options);
    ask.once("error", reject);
    ask.once("response", (answer) => resolve(responseOf(answer)));
    ask.end(body);
  });
}

function responseOf(answer: http.IncomingMessage): Response {
  const status = answer.statusCode ?? 502;
  const headers = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) answer.resume();
  const bounded = () => Readable.toWeb(Readable.from(boundedBody(answer), { objectMode: false }));
  const body = isEmpty ? null : (bounded() as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText: answer.statusMessage ?? "", headers });
}

/** Far more than any model says in one answer. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/** An endpoint that never ends its answer would fill the memory of whoever listens. */
async function* boundedBody(answer: http.IncomingMessage): AsyncGenerator<Buffer> {
  let left = LIMIT_BYTES;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    left -= piece.length;
    if (left < 0)
      throw new ModelFailure("refused", {
        message: "The model's endpoint answered more than 64 MiB, and no answer of a model is so long.",
        remedy: "Check its address, where you set one (ANTHROPIC_BASE_URL).",
      });
    yield piece;
  }
}
