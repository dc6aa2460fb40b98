import { WorkcellError } from "../errors/index.ts";
import type { Origin, Route, RouteAllowance, RouteSetting, RouteUpstream, Sourced } from "../model/index.ts";
import { parseHost } from "./parse-host.ts";
import { isRouteName } from "./reserved-name.ts";

/** What may be asked where a route says nothing else. */
const usualAllow: readonly RouteAllowance[] = [
  { method: "POST", below: "/v1" },
  { method: "GET", below: "/v1" },
];

/** Reads a route as asked for. Throws WC_SETTINGS; no message holds what an address has of user name and password. */
export function parseRoute({ value, origin }: Sourced<RouteSetting>): Route {
  const { credential } = value;
  return {
    name: parseName(value.name, origin),
    upstream: parseUpstream(value, origin),
    ...(credential !== undefined && { credential: fieldOf(credential, value.name, origin) }),
    allow: value.allow?.map((text) => parseAllowance(text, value.name, origin)) ?? usualAllow,
    origin,
  };
}

interface Fault {
  readonly what: string;
  readonly origin: Origin;
  readonly problem: string;
  readonly remedy: string;
}

function fault({ what, origin, problem, remedy }: Fault): WorkcellError {
  return new WorkcellError("WC_SETTINGS", {
    message: `Cannot use ${what} (${origin}): ${problem}`,
    remedy,
    details: { origin },
  });
}

const quoted = (text: string) => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);

function parseName(text: string, origin: Origin): string {
  const host = parseHost(text);
  if (host.ok && host.host === text && /^[a-z0-9-]+\.workcell$/.test(text)) return text;
  throw fault({
    what: `the route ${quoted(text)}`,
    origin,
    problem: "its name must be one word of lower-case letters, digits and -, and end in .workcell",
    remedy: "Name it like model.workcell",
  });
}

function parseUpstream({ name, upstream }: RouteSetting, origin: Origin): RouteUpstream {
  const refuse = (problem: string) =>
    fault({
      what: `the upstream of the route ${quoted(name)}`,
      origin,
      problem,
      remedy: "Write it like https://api.example.com, or https://gateway.example.com:8443/path",
    });
  const url = URL.canParse(upstream) ? new URL(upstream) : undefined;
  if (url === undefined) throw refuse("it is no address");
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw refuse("it must begin with https:// or http://");
  // SECURITY(P15): a credential that stands in an address would be shown wherever the address is.
  if (url.username !== "" || url.password !== "")
    throw refuse("it holds a user name or password, which belong into the route's credential");
  if (upstream.includes("?") || upstream.includes("#"))
    throw refuse("it has a query or a fragment, and only a path can be put before the request's");
  const host = parseHost(url.hostname);
  if (!host.ok) throw refuse(host.reason);
  if (isRouteName(host.host)) throw refuse("it is itself a route's name, which leads nowhere outside a cell");
  const secure = url.protocol === "https:";
  const path = url.pathname.replace(/\/+$/, "");
  if (!isPlainPath(path)) throw refuse("its path could be read in more than one way");
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  return { secure, kind: host.kind, host: host.host, port, path };
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function fieldOf(
  { header, scheme, also = {} }: NonNullable<RouteSetting["credential"]>,
  name: string,
  origin: Origin,
): NonNullable<Route["credential"]> {
  const wrong = Object.entries(also).find(
    ([field, value]) => !token.test(field) || !/^[\x20-\x7e]+$/.test(value),
  );
  if (wrong !== undefined) {
    throw fault({
      what: `the field ${quoted(wrong[0])} of the route ${quoted(name)}`,
      origin,
      problem: "a name and a value of printable ASCII characters are needed",
      remedy: 'Write it like {"anthropic-beta": "oauth-2025-04-20"}',
    });
  }
  if (scheme !== undefined && header !== "authorization") {
    throw fault({
      what: `the scheme ${quoted(scheme)} of the route ${quoted(name)}`,
      origin,
      problem: `a scheme stands in the field authorization, and the credential goes in ${header}`,
      remedy: "Leave the scheme out, or let the credential go in authorization",
    });
  }
  return { header, ...(scheme && { scheme }), ...(Object.keys(also).length > 0 && { also }) };
}

function parseAllowance(text: string, name: string, origin: Origin): RouteAllowance {
  const [, method = "", path = ""] = /^([A-Z]{1,20}) (\/[\x21-\x7e]*)$/.exec(text) ?? [];
  if (isRoutedMethod(method) && isPlainPath(path)) return { method, below: path.replace(/\/+$/, "") };
  throw fault({
    what: `what the route ${quoted(name)} allows, ${quoted(text)}`,
    origin,
    problem: "a method in capitals, neither CONNECT nor TRACE, and the beginning of a path are needed",
    remedy: 'Write it like "POST /v1"',
  });
}

/** SECURITY(P15): TRACE, and TRACK as some servers call it, is answered with the request, whose credential the gate put in. */
export function isRoutedMethod(method: string): boolean {
  return /^[A-Z]{1,20}$/.test(method) && !["CONNECT", "TRACE", "TRACK"].includes(method);
}

/** SECURITY(P15): encoded or relative parts let a server see another path than the one that is compared. */
export function isPlainPath(path: string): boolean {
  return !/[%\\;?#]|\/\/|\/\.\.?(\/|$)/.test(path);
}
