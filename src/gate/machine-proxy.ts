import {
  type AddressBlock,
  inBlock,
  parseAddress,
  parseAddressBlock,
  parseAuthority,
} from "../policy/index.ts";
import type { Authority } from "./http-target.ts";

/** A proxy that this machine is configured to use. */
export interface MachineProxy {
  readonly usable: true;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Value of Proxy-Authorization. */
  readonly authorization?: string;
  /** The variable that names it. */
  readonly origin: string;
}

/** A proxy that is named, but not of a kind that is spoken; what would go through it fails. */
export interface UnusableProxy {
  readonly usable: false;
  readonly reason: string;
  readonly origin: string;
}

/** What goes past the machine's proxies. */
export type NoProxyEntry =
  | { readonly kind: "all" }
  | { readonly kind: "block"; readonly block: AddressBlock }
  | { readonly kind: "host"; readonly host: string; readonly port: number | undefined };

export interface UpstreamProxies {
  readonly http?: MachineProxy | UnusableProxy;
  readonly https?: MachineProxy | UnusableProxy;
  readonly noProxy: readonly NoProxyEntry[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; lower case goes first, as curl has it. */
export function upstreamFromEnvironment(env: Environment): UpstreamProxies {
  const all = readProxy(env, "all_proxy");
  const http = readProxy(env, "http_proxy") ?? all;
  const https = readProxy(env, "https_proxy") ?? all;
  const noProxy = (env["no_proxy"] || env["NO_PROXY"] || "").split(/[\s,]+/).flatMap(readNoProxy);
  return { ...(http && { http }), ...(https && { https }), noProxy };
}

/** The proxy for a connection, or undefined when it goes directly. */
export function proxyFor(
  upstream: UpstreamProxies,
  target: Authority,
): MachineProxy | UnusableProxy | undefined {
  // The far proxy's own loopback is never what is meant by localhost.
  if (target.host === "localhost" || target.host.endsWith(".localhost")) return undefined;
  const address = parseAddress(target.host);
  if (address !== undefined && (address.text === "::1" || address.text.startsWith("127."))) return undefined;
  if (upstream.noProxy.some((entry) => exempts(entry, target))) return undefined;
  return target.port === 80 ? upstream.http : upstream.https;
}

function exempts(entry: NoProxyEntry, target: Authority): boolean {
  if (entry.kind === "all") return true;
  const address = parseAddress(target.host);
  if (entry.kind === "block") return address !== undefined && inBlock(address, entry.block);
  if (entry.port !== undefined && entry.port !== target.port) return false;
  return target.host === entry.host || (address === undefined && target.host.endsWith(`.${entry.host}`));
}

function readNoProxy(text: string): NoProxyEntry[] {
  if (text === "") return [];
  if (text === "*") return [{ kind: "all" }];
  const block = parseAddressBlock(text.replace(/^\[([^\]]*)\]$/, "$1"));
  if (block !== undefined) return [{ kind: "block", block }];
  const [, name = "", port] = /^(?:\*?\.)?(.+?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const parsed = parseAuthority(name, 80);
  return parsed.ok
    ? [{ kind: "host", host: parsed.host, port: port === undefined ? undefined : Number(port) }]
    : [];
}

function readProxy(env: Environment, lower: string): MachineProxy | UnusableProxy | undefined {
  const upper = lower.toUpperCase();
  const origin = env[lower] ? lower : upper;
  const value = env[origin]?.trim();
  if (!value) return undefined;
  const unusable = (reason: string): UnusableProxy => ({ usable: false, reason, origin });
  const url = parseUrl(withScheme(value));
  if (url === null) return unusable(`${origin} is no address of a proxy`);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return unusable(
      `${origin} names a proxy of the kind ${url.protocol.slice(0, -1)}, and http or https is needed`,
    );
  }
  const secure = url.protocol === "https:";
  const authorization = basicAuthorization(url);
  return {
    usable: true,
    secure,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    ...(authorization !== undefined && { authorization }),
    origin,
  };
}

function withScheme(value: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

function basicAuthorization(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const pair = `${plain(url.username)}:${plain(url.password)}`;
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}

/** Percent-decoded; a text that is not percent-encoded at all is taken as it is. */
function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
