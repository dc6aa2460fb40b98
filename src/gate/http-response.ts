import { authorityText } from "../policy/index.ts";
import { writeTo } from "./byte-reader.ts";
import { type Relayed, relayBody } from "./http-body.ts";
import type { Answering, Exchange, Upstream } from "./http-exchange.ts";
import { endToEnd, type Framing, framingHeader, headText, responseFraming } from "./http-framing.ts";
import {
  type Header,
  membersOf,
  parseResponseHead,
  type RequestHead,
  type ResponseHead,
  valuesOf,
} from "./http-head.ts";
import { type HeadRead, readHead } from "./read-head.ts";
import { answerAndEnd, endPolitely, faultAnswer } from "./refusal.ts";
import type { Conversation } from "./tunnel.ts";

/** Carries interim answers and the final one to the client. */
export async function receive(
  conversation: Conversation,
  request: Exchange,
  answering: Answering,
): Promise<boolean> {
  const { upstream } = answering;
  const { client } = conversation;
  let read = answering.first;
  for (let interim = 0; read.state === "head" && read.head.status < 200 && interim < 20; interim += 1) {
    // No Upgrade was asked for, so that an origin which switches protocols is not understood.
    if (read.head.status === 101) break;
    if (request.head.version === "1.1") await writeTo(client, responseText(request, read.head, []));
    read = await readResponse(conversation, upstream);
  }
  const framing = read.state === "head" ? responseFraming(read.head, request.head.method) : undefined;
  if (read.state !== "head" || framing === undefined || !framing.ok || read.head.status < 200) {
    const why =
      framing?.ok === false ? framing.reason : read.state === "bad" ? read.fault.reason : "no answer";
    upstream.socket.destroy();
    request.entry.finish(`bad response: ${why}`);
    await answerAndEnd(
      conversation,
      faultAnswer(
        502,
        `${request.routed?.shown ?? authorityText(request.target.host, request.target.port)}: ${why}`,
      ),
    );
    return false;
  }
  request.routed?.answered(read.head.status);
  return relayResponse(conversation, request, { ...answering, head: read.head, framing: framing.framing });
}

async function relayResponse(
  conversation: Conversation,
  request: Exchange,
  response: Answering & { readonly head: ResponseHead; readonly framing: Framing },
): Promise<boolean> {
  const { client } = conversation;
  const { upstream, head, framing } = response;
  const stays = framing.kind !== "close" && response.sending.done && !wantsClose(request.head);
  const text = responseText(request, head, [
    ...keptFraming(head, framing),
    { name: "Connection", value: stays ? "keep-alive" : "close" },
  ]);
  request.entry.bytesDown += text.length;
  let relayed: Relayed = (await writeTo(client, text)) ? "whole" : "gone";
  if (relayed === "whole") {
    relayed = await relayBody(upstream.reader, client, {
      framing,
      count: (bytes) => {
        request.entry.bytesDown += bytes;
      },
    });
  }
  if (relayed === "whole" && stays && !wantsClose(head)) request.kept.current = upstream;
  else upstream.socket.destroy();
  request.entry.finish(
    relayed === "whole" ? undefined : relayed === "gone" ? "client gone" : "response cut short",
  );
  if (relayed !== "whole") client.destroy();
  else if (!stays) await endPolitely(conversation, "");
  return relayed === "whole" && stays;
}

/** A response without a body still states the length that the body would have. */
function keptFraming(head: ResponseHead, framing: Framing) {
  if (framing.kind !== "none" || head.status === 204) return framingHeader(framing);
  const [length] = valuesOf(head.headers, "content-length");
  return length === undefined ? [] : [{ name: "Content-Length", value: length }];
}

function responseText({ routed }: Exchange, head: ResponseHead, more: readonly Header[]): string {
  const passed = endToEnd(head.headers);
  const headers = routed === undefined ? passed : routed.received(passed);
  return headText(`HTTP/1.1 ${head.status} ${head.reason}`, [...headers, ...more]);
}

function wantsClose(head: RequestHead | ResponseHead): boolean {
  const members = [...membersOf(head.headers, "connection"), ...membersOf(head.headers, "proxy-connection")];
  return head.version === "1.0" || members.includes("close");
}

/** Waits for a response as long as it takes, and not long for its head once it has begun. */
export async function readResponse(
  conversation: Conversation,
  upstream: Upstream,
): Promise<HeadRead<ResponseHead>> {
  const { headTimeoutMs } = conversation.cell.context;
  return readHead(upstream.reader, { parse: parseResponseHead, headTimeoutMs });
}
