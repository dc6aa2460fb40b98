import { leadsByRoute } from "../policy/index.ts";
import { endPolitely } from "./refusal.ts";
import {
  type Reply,
  readGreeting,
  readRequest,
  reply,
  replyBytes,
  replyFor,
  type SocksRead,
} from "./socks-message.ts";
import { type Conversation, runTunnel } from "./tunnel.ts";

/** What a SOCKS4 client is told: rejected. The protocol has no room for a reason, the audit log has. */
const socks4Rejected = Buffer.from([0, 0x5b, 0, 0, 0, 0, 0, 0]);

/** Serves one SOCKS5 client: greeting, request, tunnel. */
export async function serveSocks(conversation: Conversation): Promise<void> {
  const { cell, client } = conversation;
  const greeting = await readMessage(conversation, readGreeting);
  if (greeting.state !== "done") return void client.destroy();
  if (!greeting.value.open) {
    cell.malformed("SOCKS5 with a password only, and none is needed", "connect", "SOCKS5 greeting");
    return endPolitely(conversation, Buffer.from([5, 0xff]));
  }
  client.write(Buffer.from([5, 0]));
  const request = await readMessage(conversation, readRequest);
  if (request.state === "more") return void client.destroy();
  if (request.state === "bad") {
    cell.malformed(request.reason, "connect", request.host ?? "SOCKS5 request");
    return endPolitely(conversation, replyBytes(request.reply));
  }
  const target = request.value;
  if (leadsByRoute(cell.context.network, target)) {
    client.write(replyBytes(reply.succeeded));
    const { serveHttp } = await import("./http-connection.ts");
    return serveHttp(conversation, target);
  }
  const answer = cell.decide({ host: target.host, port: target.port }, "connect");
  const end = (code: Reply) => endPolitely(conversation, replyBytes(code));
  if (answer.decision === "deny") return end(reply.notAllowed);
  const ended = await runTunnel(conversation, target, {
    answer,
    voice: {
      accept: () => client.write(replyBytes(reply.succeeded)),
      refuse: () => end(reply.notAllowed),
      fail: (failure) => end(replyFor(failure)),
    },
  });
  if (ended === "ended") return;
  const { serveHttp } = await import("./http-connection.ts");
  await serveHttp(conversation, target);
}

/** SOCKS4 and 4a are refused: 4 knows no names, and 4a leaves open who resolves them. */
export async function refuseSocks4(conversation: Conversation): Promise<void> {
  conversation.cell.malformed("SOCKS version 4, and version 5 is needed", "connect", "SOCKS4 request");
  await endPolitely(conversation, socks4Rejected);
}

/** Reads one message from pieces of any size, in bounded time; "more" means that the rest never came. */
async function readMessage<T>(
  { reader, cell, client }: Conversation,
  read: (bytes: Buffer) => SocksRead<T>,
): Promise<SocksRead<T>> {
  const timer = setTimeout(() => client.destroy(), cell.context.headTimeoutMs);
  try {
    for (let bytes = Buffer.alloc(0); ; ) {
      const piece = await reader.next();
      if (piece === undefined) return { state: "more" };
      bytes = Buffer.concat([bytes, piece]);
      const message = read(bytes);
      if (message.state === "done") reader.putBack(bytes.subarray(message.used));
      if (message.state !== "more") return message;
    }
  } finally {
    clearTimeout(timer);
  }
}
