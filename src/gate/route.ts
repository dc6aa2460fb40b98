import { WorkcellError } from "../errors/index.ts";
import type { Answer, HostQuestion, Route } from "../model/index.ts";
import { authorityText, mayRoute, upstreamRules } from "../policy/index.ts";
import { exchange, type KeptUpstream } from "./http-exchange.ts";
import type { Framing } from "./http-framing.ts";
import type { RequestHead } from "./http-head.ts";
import type { Target } from "./http-target.ts";
import { answerAndEnd, faultAnswer, refusalAnswer } from "./refusal.ts";
import { dialUpstream } from "./route-dial.ts";
import { foreignCredential, type HeldCredential, routedFields, withoutCookies } from "./route-fields.ts";
import { type OpenEntry, subjectOf } from "./served-cell.ts";
import type { Conversation } from "./tunnel.ts";

/** A request towards a name that ends in `.workcell`, read and framed. */
export interface RouteRequest {
  readonly head: RequestHead;
  readonly length: number;
  readonly target: Target;
  readonly framing: Framing;
  readonly question: HostQuestion;
  readonly kept: KeptUpstream;
}

/** Decides one request by a route and carries it out; true when the client may send another. */
export async function serveRoute(conversation: Conversation, request: RouteRequest): Promise<boolean> {
  const { cell } = conversation;
  const { head, target, question } = request;
  const answer = mayRoute(cell.context.network, question);
  const { route } = answer;
  if (answer.decision === "deny" || route === undefined) return refuse(conversation, request, answer);
  const foreign = foreignCredential(head.headers, target.path);
  if (foreign !== undefined) return refuse(conversation, request, foreignAnswer(route, foreign));
  const entry = cell.open(answer, "request", subjectOf(question));
  entry.bytesUp = request.length;
  entry.upstream = shownUpstream(route);
  const held = await holdCredential(conversation, route);
  if ("failure" in held) return fail(conversation, request, { entry, route, failure: held.failure });
  // What is streamed comes in small pieces, each of which is waited for.
  conversation.client.setNoDelay(true);
  return exchange(conversation, {
    ...request,
    entry,
    routed: routed(conversation, request, { entry, route, held: held.credential }),
  });
}

interface Opened {
  readonly entry: OpenEntry;
  readonly route: Route;
  readonly held: HeldCredential | undefined;
}

/** How the exchange differs from one with the host that was asked for. */
function routed({ cell }: Conversation, { head, target }: RouteRequest, { entry, route, held }: Opened) {
  const { network, credentials } = cell.context;
  const { upstream } = route;
  return {
    shown: `${route.name} (${shownUpstream(route)})`,
    host: shownUpstream(route),
    path: `${upstream.path}${target.path}`,
    headers: routedFields(head.headers, held),
    dial: () => dialUpstream(cell, upstream, upstreamRules(network, route)),
    received: withoutCookies,
    answered: (status: number) => {
      entry.status = status;
      if (status === 401) credentials.get(route.name)?.refused?.();
    },
  };
}

function shownUpstream({ upstream: { secure, host, port } }: Route): string {
  return authorityText(host, port, secure ? 443 : 80);
}

function foreignAnswer(route: Route, where: string): Answer {
  return {
    decision: "deny",
    layer: "gate",
    rule: `another credential towards ${route.name} (${where})`,
    origin: "built in",
    remedy: `Leave ${where} out, or send workcell-placeholder there; the gate puts the person's own credential in`,
  };
}

/** The credential of a route; what fails is said without its value. */
async function holdCredential(
  { cell }: Conversation,
  { name, credential: field }: Route,
): Promise<{ readonly credential: HeldCredential | undefined } | { readonly failure: string }> {
  if (field === undefined) return { credential: undefined };
  const reader = cell.context.credentials.get(name);
  if (reader === undefined) return { failure: "nobody gives its credential" };
  try {
    const value = await reader.read();
    // SECURITY(P15): a value with a line end in it would be a further field.
    if (!/^[\x20-\x7e]+$/.test(value)) return { failure: "its credential is empty, or no printable ASCII" };
    return { credential: { field, value } };
  } catch (error) {
    return { failure: error instanceof WorkcellError ? error.message : "its credential cannot be read" };
  }
}

async function refuse(conversation: Conversation, request: RouteRequest, answer: Answer): Promise<false> {
  const subject = subjectOf(request.question);
  conversation.cell.refuse(answer, "request", subject);
  const bodiless = request.head.method === "HEAD";
  await answerAndEnd(conversation, { ...refusalAnswer(answer, subject), bodiless });
  return false;
}

async function fail(
  conversation: Conversation,
  { head }: RouteRequest,
  { entry, route, failure }: Pick<Opened, "entry" | "route"> & { readonly failure: string },
): Promise<false> {
  entry.finish(failure);
  const bodiless = head.method === "HEAD";
  await answerAndEnd(conversation, { ...faultAnswer(502, `${route.name}: ${failure}`), bodiless });
  return false;
}
