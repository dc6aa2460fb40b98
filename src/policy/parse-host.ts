import { parseAddress } from "./address.ts";

/** A host after its only parse: this value is what is decided on, resolved and dialled. */
export type ParsedHost =
  | { readonly ok: true; readonly kind: "name" | "address"; readonly host: string }
  | { readonly ok: false; readonly reason: string };

/** A host with a port. */
export type ParsedAuthority =
  | { readonly ok: true; readonly kind: "name" | "address"; readonly host: string; readonly port: number }
  | { readonly ok: false; readonly reason: string };

const refuse = (reason: string) => ({ ok: false, reason }) as const;

/**
 * Reads a host that a client sent: a name, IPv4 in its one strict spelling, or IPv6 with or without brackets.
 * Lower case, without a trailing dot; whatever two programs could read differently is refused.
 */
export function parseHost(text: string): ParsedHost {
  if (text === "") return refuse("the host is empty");
  if (text.length > 255) return refuse("the host is longer than 255 characters");
  const odd = /[^\x21-\x7e]/.exec(text)?.[0];
  if (odd !== undefined) return refuse(`the host holds ${characterName(odd)}`);
  if (text.startsWith("[") || text.includes(":")) return parseIpv6Host(text);
  const address = parseAddress(text);
  if (address !== undefined) return { ok: true, kind: "address", host: address.text };
  return parseName(text.toLowerCase());
}

/** Reads `host:port`; the port may be missing only where there is a default. */
export function parseAuthority(text: string, defaultPort?: number): ParsedAuthority {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text);
  if (match === null) return refuse("IPv6 addresses stand in brackets before a port");
  const host = parseHost(match[1] ?? "");
  if (!host.ok) return host;
  const port = match[2] === undefined ? defaultPort : parsePort(match[2]);
  if (port === undefined) return refuse("a port from 1 to 65535 is needed after the host");
  return { ...host, port };
}

/** A port in decimal digits, from 1 to 65535, or undefined. */
export function parsePort(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

/** `host:port`, IPv6 in brackets; the port is left out when it is the one given as usual. */
export function authorityText(host: string, port: number | undefined, usual?: number): string {
  const bracketed = host.includes(":") ? `[${host}]` : host;
  return port === undefined || port === usual ? bracketed : `${bracketed}:${port}`;
}

function parseIpv6Host(text: string): ParsedHost {
  const inner = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  const address = inner.includes(":") ? parseAddress(inner) : undefined;
  if (address !== undefined) return { ok: true, kind: "address", host: address.text };
  return refuse(inner.includes("%") ? "the address has a zone" : "the host is no IPv6 address");
}

function parseName(text: string): ParsedHost {
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  const odd = /[^a-z0-9._-]/.exec(name)?.[0];
  if (odd !== undefined) return refuse(`the host holds ${characterName(odd)}`);
  if (name.length > 253) return refuse("the host is longer than 253 characters");
  const labels = name.split(".");
  if (labels.includes("")) return refuse("the host has an empty label");
  if (labels.some((label) => label.length > 63))
    return refuse("the host has a label of more than 63 characters");
  if (labels.some((label) => /^-|-$/.test(label)))
    return refuse("the host has a label with a hyphen at its end");
  // SECURITY(P6): resolvers read 127.1, 0x7f.1 and 2130706433 as addresses, and no name ends in a number.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) return refuse("the host is an ambiguous number form");
  return { ok: true, kind: "name", host: name };
}

function characterName(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const visible = code > 0x20 && code < 0x7f;
  return visible
    ? `the character ${character}`
    : `the character U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
