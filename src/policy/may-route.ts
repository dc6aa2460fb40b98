import type { Answer, HostQuestion, HostRule, NetworkPolicy, Route } from "../model/index.ts";
import { matchesHost } from "./may-connect.ts";
import { authorityText } from "./parse-host.ts";
import { isPlainPath, isRoutedMethod } from "./parse-route.ts";
import { noSuchRoute, refused } from "./reserved-name.ts";

/** The answer for a request by a route; allowed, it says by which. */
export type RouteAnswer = Answer & { readonly route?: Route };

/** Decides one request towards a name that ends in `.workcell`, by method and path. */
export function mayRoute(policy: NetworkPolicy, question: HostQuestion): RouteAnswer {
  const route = policy.routes?.find(({ name }) => name === question.host);
  if (route === undefined || question.port !== 80) return noSuchRoute(policy, question);
  const denying = denyingRule(policy, route);
  if (denying !== undefined) {
    const remedy = `Remove "${denying.pattern.text}" from the denied hosts (${denying.origin})`;
    return refused(`deny ${denying.pattern.text}, where ${route.name} leads`, denying.origin, remedy);
  }
  const { method = "", path = "" } = question;
  const isAllowed =
    canBeAllowed(question) &&
    route.allow.some(
      (allowed) =>
        allowed.method === method && (path === allowed.below || path.startsWith(`${allowed.below}/`)),
    );
  if (isAllowed)
    return { decision: "allow", layer: "gate", rule: ruleOf(route), origin: route.origin, route };
  const allowed = route.allow.map((one) => `${one.method} ${one.below === "" ? "/" : one.below}`);
  return refused(
    `${method} of this path is not among ${allowed.join(", ")} for ${route.name}`,
    route.origin,
    canBeAllowed(question)
      ? `Add it to what the route allows: "routes": {"${route.name}": {"allow": ["${method} PATH", ...]}} in a settings file`
      : "Ask by a method in capitals other than TRACE, and for a path without encoded, empty or relative parts",
  );
}

/** What no setting could allow: a server may see another path in it, or answer with the credential. */
function canBeAllowed({ method = "", path = "" }: HostQuestion): boolean {
  return isRoutedMethod(method) && isPlainPath(path);
}

/** The rules by which a route's upstream is dialled: the denials, and that the person named this host. */
export function upstreamRules(policy: NetworkPolicy, { upstream, origin }: Route): NetworkPolicy {
  const { kind, host, port } = upstream;
  const text = authorityText(host, port);
  const pattern =
    kind === "name"
      ? ({ kind, host, port, text } as const)
      : ({ kind: "address", address: host, port, text } as const);
  const denials = policy.rules.filter(({ effect }) => effect === "deny");
  return { rules: [...denials, { effect: "allow", pattern, origin, named: true }] };
}

function denyingRule(policy: NetworkPolicy, { upstream }: Route): HostRule | undefined {
  return policy.rules.find((rule) => rule.effect === "deny" && matchesHost(rule.pattern, upstream));
}

function ruleOf({ name, upstream: { secure, host, port } }: Route): string {
  return `route ${name} to ${authorityText(host, port, secure ? 443 : 80)}`;
}
