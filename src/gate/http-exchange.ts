import type net from "node:net";
import type { HostQuestion } from "../model/index.ts";
import { authorityText } from "../policy/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { type Dialled, dial } from "./dial.ts";
import { relayBody } from "./http-body.ts";
import { endToEnd, type Framing, framingHeader, headText } from "./http-framing.ts";
import type { Header, RequestHead, ResponseHead } from "./http-head.ts";
import { readResponse, receive } from "./http-response.ts";
import type { Target } from "./http-target.ts";
import type { HeadRead } from "./read-head.ts";
import { answerAndEnd, faultAnswer, refusalAnswer } from "./refusal.ts";
import { type OpenEntry, subjectOf } from "./served-cell.ts";
import type { Conversation } from "./tunnel.ts";

/** A connection to an origin or a proxy, kept for the next request to the same target. */
export interface Upstream {
  readonly target: string;
  readonly socket: net.Socket;
  readonly reader: ByteReader;
  readonly address: string;
  readonly proxyHeaders: Readonly<Record<string, string>> | undefined;
}

export interface KeptUpstream {
  current: Upstream | undefined;
}

export interface Exchange {
  readonly head: RequestHead;
  readonly target: Target;
  readonly framing: Framing;
  readonly question: HostQuestion;
  readonly entry: OpenEntry;
  readonly kept: KeptUpstream;
  /** Set for a request that goes by a route. */
  readonly routed?: Routed;
}

/** What a route changes: where the request goes, and what it says there. */
export interface Routed {
  /** The route and where it leads, for the client. */
  readonly shown: string;
  readonly host: string;
  readonly path: string;
  /** Instead of the request's own, as they go out. */
  readonly headers: readonly Header[];
  dial(): Promise<Dialled>;
  answered(status: number): void;
  /** What of the answer's fields the client gets. */
  received(headers: readonly Header[]): readonly Header[];
}

/** Forwards one decided request and its response; true when the client may send another. */
export async function exchange(conversation: Conversation, request: Exchange): Promise<boolean> {
  const reused = takeKept(request);
  const upstream = reused ?? (await openUpstream(conversation, request));
  if (upstream === undefined) return false;
  const answering = await send(conversation, request, upstream);
  const stale = answering.first.state === "end" && reused !== undefined && request.framing.kind === "none";
  if (!stale) return receive(conversation, request, { upstream, ...answering });
  // An origin may close a kept connection at any moment; without a body nothing is lost by asking afresh.
  upstream.socket.destroy();
  const fresh = await openUpstream(conversation, request);
  if (fresh === undefined) return false;
  return receive(conversation, request, { upstream: fresh, ...(await send(conversation, request, fresh)) });
}

function keyOf(target: Target): string {
  return authorityText(target.host, target.port);
}

function takeKept(request: Exchange): Upstream | undefined {
  const { current } = request.kept;
  request.kept.current = undefined;
  const usable = current?.socket.writable && !current.reader.ended && !current.reader.pending;
  if (usable && current.target === keyOf(request.target)) {
    request.entry.address = current.address;
    return current;
  }
  current?.socket.destroy();
  return undefined;
}

async function openUpstream(conversation: Conversation, request: Exchange): Promise<Upstream | undefined> {
  const { cell, client } = conversation;
  const { entry, question } = request;
  const bodiless = request.head.method === "HEAD";
  const dialled = await (request.routed?.dial() ?? dial(cell, request.target, "request"));
  if (dialled.state === "connected") {
    entry.address = dialled.address;
    const { socket } = dialled.faucet;
    const { address, proxyHeaders } = dialled;
    const end = () => socket.destroy();
    client.once("close", end);
    socket.once("close", () => client.off("close", end));
    return { target: keyOf(request.target), socket, reader: new ByteReader(socket), address, proxyHeaders };
  }
  if (dialled.state === "denied") {
    cell.withdraw(entry);
    cell.refuse(dialled.answer, "request", subjectOf(question));
    await answerAndEnd(conversation, { ...refusalAnswer(dialled.answer, subjectOf(question)), bodiless });
    return undefined;
  }
  entry.address = dialled.address;
  entry.finish(dialled.failure);
  const fault = faultAnswer(502, `${request.routed?.shown ?? keyOf(request.target)}: ${dialled.failure}`);
  await answerAndEnd(conversation, { ...fault, bodiless });
  return undefined;
}

/** Sends head and body while the answer is awaited: an origin may answer, or ask to go on, before the body's end. */
async function send(
  conversation: Conversation,
  request: Exchange,
  upstream: Upstream,
): Promise<{ readonly first: HeadRead<ResponseHead>; readonly sending: Sending }> {
  upstream.socket.write(requestText(request, upstream), "latin1");
  const sending: Sending = { done: request.framing.kind === "none" };
  const sent = relayBody(conversation.reader, upstream.socket, {
    framing: request.framing,
    count: (bytes) => {
      request.entry.bytesUp += bytes;
    },
  });
  // A client that breaks off its body gets no answer; ending the upstream ends the wait for one.
  void sent.then((relayed) => {
    sending.done = relayed === "whole";
    if (relayed === "broken") upstream.socket.destroy();
  });
  return { first: await readResponse(conversation, upstream), sending };
}

function requestText(request: Exchange, upstream: Upstream): string {
  const { head, target, routed } = request;
  const host = routed?.host ?? authorityText(target.host, target.port, 80);
  const own = routed?.path ?? target.path;
  const path = upstream.proxyHeaders === undefined ? own : `http://${host}${own}`;
  const proxyHeaders = Object.entries(upstream.proxyHeaders ?? {}).map(([name, value]) => ({ name, value }));
  const closing = head.version === "1.0" ? [{ name: "Connection", value: "close" }] : [];
  const headers = [
    { name: "Host", value: host },
    ...(routed?.headers ?? endToEnd(head.headers)),
    ...framingHeader(request.framing),
    ...closing,
    ...proxyHeaders,
  ];
  return headText(`${head.method} ${path} HTTP/${head.version}`, headers);
}

/** Whether the request's body has gone out whole. */
interface Sending {
  done: boolean;
}

export interface Answering {
  readonly upstream: Upstream;
  readonly first: HeadRead<ResponseHead>;
  readonly sending: Sending;
}
