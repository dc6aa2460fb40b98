import type { Answer, HostPattern, HostQuestion, HostRule, NetworkPolicy } from "../model/index.ts";
import { inBlock, parseAddress } from "./address.ts";
import { authorityText } from "./parse-host.ts";
import { isRouteName, mayTunnelTo } from "./reserved-name.ts";

/** The answer for a host, with the allowing rules that matched it. */
export type HostAnswer = Answer & { readonly rules: readonly HostRule[] };

/** Decides one connection or request by name and port alone, so before anything is resolved. Deny beats allow. */
export function mayConnect(policy: NetworkPolicy, question: HostQuestion): HostAnswer {
  // SECURITY(P15): no rule, and no resolver of anybody's, decides what a route's name stands for.
  if (isRouteName(question.host)) return { ...mayTunnelTo(policy, question), rules: [] };
  const forHost = policy.rules.filter((rule) => matchesHost(rule.pattern, question));
  const denying = forHost.find((rule) => rule.effect === "deny" && matchesRequest(rule, question));
  if (denying !== undefined) return deniedBy(denying);
  const reaching = forHost.filter((rule) => rule.effect === "allow");
  const rules = reaching.filter((rule) => matchesRequest(rule, question));
  const [first] = rules;
  if (first !== undefined) {
    return { decision: "allow", layer: "gate", rule: first.pattern.text, origin: first.origin, rules };
  }
  const [limited] = reaching;
  return limited === undefined ? notListed(policy, question) : wrongMethod(limited, reaching, question);
}

/** Whether the pattern is for this host and port; one without a port is for every port. */
export function matchesHost(
  pattern: HostPattern,
  question: { readonly host: string; readonly port: number },
) {
  if (pattern.port !== undefined && pattern.port !== question.port) return false;
  switch (pattern.kind) {
    case "name":
      return pattern.host === question.host;
    case "address":
      return pattern.address === question.host;
    case "suffix":
      return question.host.endsWith(`.${pattern.suffix}`);
    case "any":
      return true;
    case "block": {
      const address = parseAddress(question.host);
      return address !== undefined && inBlock(address, pattern);
    }
  }
}

/** `workcell run --allow-host ...` for this host, with the port where it is not a usual one. */
export function allowCommand(host: string, port: number): string {
  return `workcell run --allow-host ${authorityText(host, port === 80 || port === 443 ? undefined : port)}`;
}

/** A tunnel has no method, and matches: what the gate cannot see it cannot limit. */
function matchesRequest(rule: HostRule, question: HostQuestion): boolean {
  const { method, path } = question;
  if (method === undefined) return true;
  if (rule.methods !== undefined && !rule.methods.includes(method)) return false;
  return rule.paths === undefined || (path !== undefined && rule.paths.some((end) => endsPlainly(path, end)));
}

/** SECURITY(P6): encoded or relative parts let a server see another path than the one that is compared. */
function endsPlainly(path: string, end: string): boolean {
  return path.endsWith(end) && !/[%\\;]|\/\/|\/\.\.?(\/|$)/.test(path);
}

function deniedBy(rule: HostRule): HostAnswer {
  return {
    decision: "deny",
    layer: "gate",
    rule: `deny ${rule.pattern.text}`,
    origin: rule.origin,
    remedy: `Remove "${rule.pattern.text}" from the denied hosts (${rule.origin})`,
    rules: [],
  };
}

function wrongMethod(first: HostRule, reaching: readonly HostRule[], question: HostQuestion): HostAnswer {
  const allowed = reaching.map((rule) => {
    const methods = rule.methods?.join(", ") ?? "any method";
    return rule.paths === undefined ? methods : `${methods} to ...${rule.paths.join(", ...")}`;
  });
  return {
    decision: "deny",
    layer: "gate",
    rule: `${question.method ?? "this"} is not among ${[...new Set(allowed)].join("; ")} for ${first.pattern.text}`,
    origin: first.origin,
    remedy: allowCommand(question.host, question.port),
    rules: [],
  };
}

function notListed(policy: NetworkPolicy, question: HostQuestion): HostAnswer {
  const allowing = policy.rules.filter((rule) => rule.effect === "allow");
  const count = new Set(allowing.map((rule) => rule.pattern.text)).size;
  const origins = gatherOrigins([...new Set(allowing.map((rule) => rule.origin))]);
  const among = `not among ${count} allowed ${count === 1 ? "host" : "hosts"}`;
  return {
    decision: "deny",
    layer: "gate",
    rule: count === 0 ? among : `${among} (${origins})`,
    origin: count === 0 ? "built in" : origins,
    remedy: allowCommand(question.host, question.port),
    rules: [],
  };
}

/** `profile cowork, preset npm` and `profile cowork, preset pip` are said as `profile cowork, presets npm, pip`. */
function gatherOrigins(origins: readonly string[]): string {
  const groups = new Map<string, string[]>();
  for (const origin of origins) {
    const at = origin.lastIndexOf(", preset ");
    const [source, preset] = at < 0 ? [origin, []] : [origin.slice(0, at), [origin.slice(at + 9)]];
    groups.set(source, [...(groups.get(source) ?? []), ...preset]);
  }
  const said = [...groups].map(([source, presets]) => {
    if (presets.length === 0) return source;
    return `${source}, ${presets.length === 1 ? "preset" : "presets"} ${presets.join(", ")}`;
  });
  return said.join("; ");
}
