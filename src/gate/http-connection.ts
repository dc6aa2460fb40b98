import type { HostQuestion } from "../model/index.ts";
import { isRouteName, leadsByRoute } from "../policy/index.ts";
import type { KeptUpstream } from "./http-exchange.ts";
import { requestFraming } from "./http-framing.ts";
import { type BadHead, bad, parseRequestHead, type RequestHead } from "./http-head.ts";
import { type Authority, connectTarget, requestTarget } from "./http-target.ts";
import { readHead } from "./read-head.ts";
import { answerAndEnd, faultAnswer, refusalAnswer } from "./refusal.ts";
import { subjectOf } from "./served-cell.ts";
import { type Conversation, runTunnel } from "./tunnel.ts";

/** How long a client may keep its connection without asking for anything. */
const idleTimeoutMs = 300_000;

const established = "HTTP/1.1 200 Connection established\r\n\r\n";

/** Serves requests one after the other, each decided for itself; `inside` a plain tunnel only its own authority. */
export async function serveHttp(conversation: Conversation, inside?: Authority): Promise<void> {
  const { cell, client, reader } = conversation;
  const { headTimeoutMs } = cell.context;
  const kept: KeptUpstream = { current: undefined };
  try {
    for (;;) {
      const read = await readHead(reader, { parse: parseRequestHead, headTimeoutMs, idleTimeoutMs });
      if (read.state === "end") return void client.destroySoon();
      if (read.state === "bad") return void (await refuseMalformed(conversation, read.fault, "a request"));
      const { head, length } = read;
      if (head.method === "CONNECT") return await serveConnect(conversation, head, inside);
      const goesOn = await serveRequest(conversation, { head, length, inside, kept });
      if (!goesOn) return;
    }
  } finally {
    kept.current?.socket.destroy();
  }
}

interface Asked {
  readonly head: RequestHead;
  readonly length: number;
  readonly inside: Authority | undefined;
  readonly kept: KeptUpstream;
}

/** Decides and forwards one request; true when the client may send another. */
async function serveRequest(conversation: Conversation, asked: Asked): Promise<boolean> {
  const { cell } = conversation;
  const { head } = asked;
  const shown = `${head.method} ${head.target}`;
  const target = requestTarget(head, asked.inside);
  if (!target.ok) return refuseMalformed(conversation, target, shown);
  const framing = requestFraming(head);
  if (!framing.ok) return refuseMalformed(conversation, framing, shown);
  const { host, port, path } = target.target;
  const question: HostQuestion = { host, port, method: head.method, path: path.replace(/\?.*$/s, "") };
  if (isRouteName(host)) {
    const { serveRoute } = await import("./route.ts");
    const routed = { head, target: target.target, framing: framing.framing, question };
    return serveRoute(conversation, { ...routed, length: asked.length, kept: asked.kept });
  }
  const answer = cell.decide(question, "request");
  if (answer.decision === "deny") {
    const bodiless = head.method === "HEAD";
    await answerAndEnd(conversation, { ...refusalAnswer(answer, subjectOf(question)), bodiless });
    return false;
  }
  const { exchange } = await import("./http-exchange.ts");
  const entry = cell.open(answer, "request", subjectOf(question));
  entry.bytesUp = asked.length;
  return exchange(conversation, {
    head,
    target: target.target,
    framing: framing.framing,
    question,
    entry,
    kept: asked.kept,
  });
}

async function serveConnect(
  conversation: Conversation,
  head: RequestHead,
  inside: Authority | undefined,
): Promise<void> {
  const { cell, client } = conversation;
  const shown = `CONNECT ${head.target}`;
  const framing = requestFraming(head);
  if (!framing.ok) return void (await refuseMalformed(conversation, framing, shown));
  const bodied =
    framing.framing.kind === "chunked" || (framing.framing.kind === "length" && framing.framing.length > 0);
  const parsed =
    bodied || inside !== undefined ? bad("CONNECT with a body, or inside a tunnel") : connectTarget(head);
  if (!parsed.ok) return void (await refuseMalformed(conversation, parsed, shown));
  const { target } = parsed;
  if (leadsByRoute(cell.context.network, target)) {
    client.write(established);
    return serveHttp(conversation, target);
  }
  const answer = cell.decide(target, "connect");
  const refuse = (refusal: typeof answer | Parameters<typeof refusalAnswer>[0]) =>
    answerAndEnd(
      conversation,
      refusalAnswer(refusal, `connect ${subjectOf({ host: target.host, port: target.port })}`),
    );
  if (answer.decision === "deny") return refuse(answer);
  const ended = await runTunnel(conversation, target, {
    answer,
    voice: {
      accept: () => client.write(established),
      refuse,
      fail: (failure) => answerAndEnd(conversation, faultAnswer(502, `connect ${head.target}: ${failure}`)),
    },
  });
  if (ended === "plain") await serveHttp(conversation, target);
}

async function refuseMalformed(conversation: Conversation, fault: BadHead, shown: string): Promise<false> {
  conversation.cell.malformed(fault.reason, "request", shown);
  await answerAndEnd(conversation, faultAnswer(fault.status, fault.reason));
  return false;
}
