import { type ParsedAuthority, parseAuthority } from "../policy/index.ts";
import { bad, type Parsed, type RequestHead, valuesOf } from "./http-head.ts";

/** Where a request goes, from its only parse. */
export interface Target {
  readonly kind: "name" | "address";
  readonly host: string;
  readonly port: number;
  /** Path and query, as they go to the origin. */
  readonly path: string;
}

export type Authority = Omit<Target, "path">;

/** Reads the target of CONNECT, and holds a Host field against it. */
export function connectTarget(head: RequestHead): Parsed<{ readonly target: Authority }> {
  const target = parseAuthority(head.target);
  if (!target.ok) return bad(target.reason);
  const fault = hostFault(head, target, target.port);
  return fault === undefined ? { ok: true, target: authority(target) } : bad(fault);
}

/**
 * Reads the target of a request to be forwarded. Inside a tunnel that is plain HTTP, the tunnel's own authority is
 * the only one.
 */
export function requestTarget(head: RequestHead, inside?: Authority): Parsed<{ readonly target: Target }> {
  if (head.target.includes("#")) return bad("the target has a fragment");
  const split =
    head.target.startsWith("/") && inside !== undefined
      ? insideTarget(head.target, inside)
      : absolute(head.target);
  if (!split.ok) return split;
  const { target } = split;
  if (inside !== undefined && (target.host !== inside.host || target.port !== inside.port)) {
    return bad("the target is not the host of this tunnel");
  }
  const fault = hostFault(head, { ok: true, ...target }, 80);
  return fault === undefined ? split : bad(fault);
}

function insideTarget(path: string, inside: Authority): Parsed<{ readonly target: Target }> {
  return { ok: true, target: { ...inside, path } };
}

function absolute(text: string): Parsed<{ readonly target: Target }> {
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/?]*)(.*)$/.exec(text);
  if (match === null) return bad("this is a proxy: the target is to be absolute, as in GET http://host/path");
  const [, scheme = "", spelled = "", rest = ""] = match;
  if (scheme.toLowerCase() !== "http")
    return bad(`${scheme.toLowerCase()}: goes through CONNECT, not as a target`);
  const parsed = parseAuthority(spelled, 80);
  if (!parsed.ok) return bad(parsed.reason);
  return { ok: true, target: { ...authority(parsed), path: rest.startsWith("/") ? rest : `/${rest}` } };
}

function authority(parsed: Extract<ParsedAuthority, { ok: true }>): Authority {
  return { kind: parsed.kind, host: parsed.host, port: parsed.port };
}

/** SECURITY(P6): a server that routes by Host must see the host that was decided on. */
function hostFault(
  head: RequestHead,
  target: Extract<ParsedAuthority, { ok: true }>,
  defaultPort: number,
): string | undefined {
  const [host, ...more] = valuesOf(head.headers, "host");
  if (more.length > 0) return "more than one Host";
  if (host === undefined) return head.version === "1.1" && head.method !== "CONNECT" ? "no Host" : undefined;
  const parsed = parseAuthority(host, defaultPort);
  if (!parsed.ok) return `Host: ${parsed.reason}`;
  return parsed.host === target.host && parsed.port === target.port
    ? undefined
    : "Host is not the host of the target";
}
