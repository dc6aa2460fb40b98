import type { Answer, HostQuestion, NetworkPolicy } from "../model/index.ts";
import { authorityText } from "./parse-host.ts";

/** Whether a host is a route's name, or would be: nothing of this ending is ever resolved or dialled. */
export function isRouteName(host: string): boolean {
  return host.endsWith(".workcell");
}

/**
 * Whether plain HTTP to this host and port goes by a route. Some clients ask for a tunnel even for that: the gate is
 * the other end of it, and reads each request.
 */
export function leadsByRoute(
  { routes = [] }: NetworkPolicy,
  { host, port }: Pick<HostQuestion, "host" | "port">,
): boolean {
  return port === 80 && routes.some(({ name }) => name === host);
}

/** A tunnel to a name that ends in `.workcell`, which nothing can be at the other end of. */
export function mayTunnelTo(policy: NetworkPolicy, question: HostQuestion): Answer {
  const route = policy.routes?.find(({ name }) => name === question.host);
  if (route === undefined) return noSuchRoute(policy, question);
  return refused(
    `${route.name} is a route, which takes plain HTTP at port 80 and nothing else`,
    route.origin,
    `Use http://${route.name}/ with the proxy of http_proxy; the gate speaks TLS to where it leads`,
  );
}

/** No route has this name and port. */
export function noSuchRoute({ routes = [] }: NetworkPolicy, question: HostQuestion): Answer {
  const known = routes.map(({ name }) => name);
  const names = known.length === 0 ? "there is none" : `there is ${known.join(", ")}`;
  return refused(
    `${authorityText(question.host, question.port, 80)} is no route: ${names}, at port 80`,
    "built in",
    `Set one in a settings file: "routes": {"${known[0] ?? "model.workcell"}": {"upstream": "https://..."}}`,
  );
}

/** A refusal by what routes are. */
export function refused(rule: string, origin: string, remedy: string): Answer {
  return { decision: "deny", layer: "gate", rule, origin, remedy };
}
