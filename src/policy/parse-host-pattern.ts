import { WorkcellError } from "../errors/index.ts";
import type { HostPattern, Origin } from "../model/index.ts";
import { parseAddress, parseAddressBlock } from "./address.ts";
import { rangeOf } from "./address-range.ts";
import { authorityText, parseHost, parsePort } from "./parse-host.ts";
import { isRouteName } from "./reserved-name.ts";

interface Fault {
  readonly found: string;
  readonly remedy: string;
}

const example =
  "Write a host, a suffix or an address, such as: registry.example, *.example.com:8443, [2001:db8::1]:443";

/**
 * Reads a rule's host: `host`, `*.suffix` (sub-domains only, not the suffix itself), IPv4 or `[IPv6]`, each with
 * `:port` or without; without a port the pattern matches every port.
 */
export function parseHostPattern(text: string, origin: Origin): HostPattern {
  const fault = firstFault(text);
  if (fault !== undefined) throw patternError(text, origin, fault);
  const bare = parseAddress(text);
  const [, spelled = text, digits] =
    bare === undefined ? (/^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(text) ?? []) : [];
  const port = digits === undefined ? undefined : parsePort(digits);
  if (digits !== undefined && port === undefined) {
    throw patternError(text, origin, {
      found: `"${digits}" is no port`,
      remedy: "Write a port from 1 to 65535 after the colon, or leave out both",
    });
  }
  const wild = spelled.startsWith("*.");
  const host = parseHost(wild ? spelled.slice(2) : spelled);
  if (!host.ok) throw patternError(text, origin, { found: host.reason, remedy: example });
  if (wild && host.kind === "address") {
    throw patternError(text, origin, { found: "an address has no sub-domains", remedy: example });
  }
  if (isRouteName(`${wild ? "any." : ""}${host.host}`)) {
    throw patternError(text, origin, {
      found: "names that end in .workcell are routes of the gate's, and no hosts",
      remedy:
        'Leave it out; a route is set in a settings file: "routes": {"NAME.workcell": {"upstream": "https://..."}}',
    });
  }
  if (wild) return { kind: "suffix", suffix: host.host, port, text: authorityText(`*.${host.host}`, port) };
  if (host.kind === "name")
    return { kind: "name", host: host.host, port, text: authorityText(host.host, port) };
  return addressPattern({ text, origin, address: host.host, port });
}

/** The same for a rule that denies, which may also be for every host (`*`) or for a block of addresses (`10.0.0.0/8`). */
export function parseDeniedPattern(text: string, origin: Origin): HostPattern {
  const [, digits] = /^\*(?::(.*))?$/.exec(text) ?? [];
  const port = digits === undefined ? undefined : parsePort(digits);
  if (text === "*" || port !== undefined) return { kind: "any", port, text };
  const block = text.includes("/") ? parseAddressBlock(text) : undefined;
  return block === undefined
    ? parseHostPattern(text, origin)
    : { kind: "block", ...block, port: undefined, text };
}

function addressPattern(parts: {
  text: string;
  origin: Origin;
  address: string;
  port: number | undefined;
}): HostPattern {
  const parsed = parseAddress(parts.address);
  const range = parsed === undefined ? "unspecified" : rangeOf(parsed);
  if (range === "unspecified" || range === "multicast" || range === "broadcast") {
    throw patternError(parts.text, parts.origin, {
      found: `no connection can go to it (${range} address)`,
      remedy: "Write the address of one host, such as 127.0.0.1",
    });
  }
  const { address, port } = parts;
  return { kind: "address", address, port, text: authorityText(address, port) };
}

function firstFault(text: string): Fault | undefined {
  if (text === "") return { found: "it is empty", remedy: example };
  if (/[^\x00-\x7f]/.test(text)) {
    return {
      found: "it holds a character outside ASCII",
      remedy: "Write the host in punycode, such as xn--bcher-kva.example",
    };
  }
  if (/[\x00-\x20\x7f]/.test(text))
    return { found: "it holds a space or a control character", remedy: example };
  if (text === "*" || text.startsWith("*:")) {
    return { found: "it matches everything", remedy: "Name the hosts, or a suffix such as *.example.com" };
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text))
    return { found: "it has a scheme", remedy: "Write the host alone, without scheme or path" };
  if (text.includes("@"))
    return { found: "it has a user name", remedy: "Write the host alone, without user name or password" };
  if (/[/?#]/.test(text))
    return { found: "it has a path", remedy: "Write the host alone, without scheme or path" };
  if (text.replace(/^\*\./, "").includes("*")) {
    return {
      found: "* may stand only in front, as *.suffix",
      remedy: "Name the hosts, or a suffix such as *.example.com",
    };
  }
  const unbracketed = !text.startsWith("[") && text.split(":").length > 2;
  if (unbracketed && parseAddress(text) === undefined) {
    return {
      found: "it has more than one colon",
      remedy: "Write IPv6 in brackets before a port, such as [2001:db8::1]:443",
    };
  }
  return undefined;
}

function patternError(text: string, origin: Origin, fault: Fault): WorkcellError {
  const shown = JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}...` : text);
  return new WorkcellError("WC_HOST_PATTERN", {
    message: `Cannot use host pattern ${shown} (${origin}): ${fault.found}`,
    remedy: fault.remedy,
    details: { value: text, origin },
  });
}
