import http from "node:http";
import https from "node:https";
import net from "node:net";
import { type Duplex, Readable } from "node:stream";
import tls from "node:tls";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A `fetch` that goes by the proxy that the environment names, as a cell's does; Node's own does not before Node 24.
 * A plain request goes to the proxy in absolute form, a TLS one through CONNECT.
 */
export function proxyFetch(env: Environment): typeof fetch {
  const agents = new Map<string, Agent>();
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const proxy = proxyFor(url, env);
    const kind = `${url.protocol} ${proxy?.href}`;
    const agent = agents.get(kind) ?? makeAgent(url, proxy);
    agents.set(kind, agent);
    return exchange({ url, proxy, agent, init });
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

type Agent = http.Agent | https.Agent;

function makeAgent(url: URL, proxy: URL | undefined): Agent {
  if (url.protocol === "http:") return new http.Agent({ keepAlive: true });
  return proxy === undefined ? new https.Agent({ keepAlive: true }) : new TunnelAgent(proxy);
}

/** TLS connections through a proxy's CONNECT, kept alive as any other. */
class TunnelAgent extends https.Agent {
  readonly #proxy: URL;

  constructor(proxy: URL) {
    super({ keepAlive: true });
    this.#proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions,
    done: (error: Error | null, stream: Duplex) => void = () => {},
  ): undefined {
    const fail = done as (error: Error) => void;
    const host = options.host ?? "";
    const target = `${net.isIPv6(host) ? `[${host}]` : host}:${options.port ?? 443}`;
    const ask = http.request({
      ...addressOf(this.#proxy),
      method: "CONNECT",
      path: target,
      headers: { host: target, ...credentialOf(this.#proxy) },
      agent: false,
    });
    ask.once("error", fail);
    ask.once("connect", (answer, socket) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        const why = `${answer.statusCode} ${answer.statusMessage}`;
        fail(new Error(`the proxy ${this.#proxy.host} refused CONNECT ${target}: ${why}`));
        return;
      }
      done(null, tls.connect({ ...(net.isIP(host) ? {} : { servername: host }), socket }));
    });
    ask.end();
  }
}

const addressOf = ({ hostname, port }: URL) => ({
  host: hostname.replace(/^\[|\]$/g, ""),
  port: port === "" ? 80 : Number(port),
});

function credentialOf({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(plain).toString("base64")}` };
}

interface Exchange {
  readonly url: URL;
  readonly proxy: URL | undefined;
  readonly agent: Agent;
  readonly init: RequestInit;
}

function exchange({ url, proxy, agent, init }: Exchange): Promise<Response> {
  const isPlain = url.protocol === "http:";
  const headers = Object.fromEntries(new Headers(init.headers ?? {}));
  const body = init.body === undefined || init.body === null ? undefined : Buffer.from(init.body as string);
  const byProxy = isPlain && proxy !== undefined;
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
    const ask = isPlain ? http.request(options) : https.request(options);
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
  const body = isEmpty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText: answer.statusMessage ?? "", headers });
}
