import type { Answer, HostQuestion, HostRule, NetworkPolicy } from "../model/index.ts";
import { type Address, parseAddress } from "./address.ts";
import { type AddressRange, rangeOf } from "./address-range.ts";
import { allowCommand, matchesHost } from "./may-connect.ts";

/** One address that an allowed host resolved to, or is. */
export interface DialQuestion {
  readonly asked: Pick<HostQuestion, "host" | "port">;
  readonly address: string;
  /** Addresses of this machine's own interfaces. */
  readonly ownAddresses: readonly string[];
}

/** Ranges that no tool's configuration can name by a host name. */
const neverByName: readonly AddressRange[] = [
  "metadata",
  "link-local",
  "unspecified",
  "multicast",
  "broadcast",
];

/**
 * Decides whether an allowed host may be dialled at this address: public ones may; others only when a rule is for
 * that very address, when a tool of the person's is configured for the host, or for loopback when `localhost` is.
 */
export function mayDial(policy: NetworkPolicy, question: DialQuestion): Answer {
  const address = parseAddress(question.address);
  if (address === undefined) return refused(question, "no address", "built in");
  const { asked } = question;
  const at = { host: address.text, port: asked.port };
  const denying = policy.rules.find((rule) => rule.effect === "deny" && matchesHost(rule.pattern, at));
  if (denying !== undefined) return refused(question, `deny ${denying.pattern.text}`, denying.origin);

  const range = rangeOf(address);
  const own = question.ownAddresses.some((text) => parseAddress(text)?.text === address.text);
  if (range === "public" && !own) return allowed(`${address.text} is public`, "built in");

  const naming = policy.rules.find(
    (rule) => rule.effect === "allow" && names(rule, { asked, address, range }),
  );
  if (naming !== undefined) return allowed(naming.pattern.text, naming.origin);
  return refused(
    question,
    own ? `${address.text} is this machine` : `${address.text} is ${range}`,
    "built in",
  );
}

function names(
  rule: HostRule,
  at: { readonly asked: DialQuestion["asked"]; readonly address: Address; readonly range: AddressRange },
): boolean {
  const { asked, address, range } = at;
  if (rule.pattern.kind === "address" && matchesHost(rule.pattern, { host: address.text, port: asked.port }))
    return true;
  if (!matchesHost(rule.pattern, asked)) return false;
  if (rule.named && !neverByName.includes(range)) return true;
  const loopback = address.text === "::1" || (range === "loopback" && address.bytes.length === 4);
  return rule.pattern.kind === "name" && rule.pattern.host === "localhost" && loopback;
}

function allowed(rule: string, origin: string): Answer {
  return { decision: "allow", layer: "gate", rule, origin };
}

function refused(question: DialQuestion, what: string, origin: string): Answer {
  const { host, port } = question.asked;
  const address = parseAddress(question.address);
  const literal = address?.text === host;
  const rule = literal ? what : `${host} resolves to a refused address: ${what}`;
  const named = host === "localhost" ? host : (address?.text ?? host);
  return { decision: "deny", layer: "gate", rule, origin, remedy: allowCommand(named, port) };
}
