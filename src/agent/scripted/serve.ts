import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { MessageParam } from "../model/messages.ts";
import { firstTask } from "./first-task.ts";
import type { ScriptedAnswer, ScriptedTask } from "./script.ts";
import { viewOf } from "./transcript-view.ts";

const MODEL = "scripted";
const REQUEST_LIMIT = 64 * 1024 * 1024;

/** A running scripted model. */
export interface ScriptedModel {
  /** For ANTHROPIC_BASE_URL. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A request that arrived, as far as somebody may want to know of it. */
export interface ScriptedRequest {
  /** The model that was asked for; it is this one that answers. */
  readonly model: string;
  /** Names of the tools that it may call, in the order in which they were offered. */
  readonly tools: readonly string[];
  /** What the conversation is about: the person's task, or what a sub-agent was told. */
  readonly task: string;
}

/** Starts a server on the loopback that speaks the Messages API and plays a script instead of thinking. */
export async function startScriptedModel({
  task = firstTask,
  delayMs = 0,
  onRequest = () => {},
}: {
  readonly task?: ScriptedTask;
  /** Told of each request for an answer. */
  readonly onRequest?: (request: ScriptedRequest) => void;
  /** Between two pieces of a streamed answer, in ms, so that a person can read along. */
  readonly delayMs?: number;
} = {}): Promise<ScriptedModel> {
  const server = createServer((request, response) => {
    serve(request, response, { task, delayMs, onRequest }).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else fail(response, 400, error instanceof Error ? error.message : `${error}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Asked {
  readonly model: string;
  readonly messages: readonly MessageParam[];
  readonly tools: readonly string[];
  readonly folder: string;
  readonly stream: boolean;
  readonly tokens: number;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  how: {
    readonly task: ScriptedTask;
    readonly delayMs: number;
    readonly onRequest: (request: ScriptedRequest) => void;
  },
): Promise<void> {
  const path = new URL(request.url ?? "/", "http://scripted").pathname;
  if (request.method !== "POST")
    return json(response, { model: MODEL, note: "Workcell's scripted model: no AI" });
  const asked = read(await bodyOf(request));
  if (path === "/v1/messages/count_tokens") return json(response, { input_tokens: asked.tokens });
  if (path !== "/v1/messages") return fail(response, 404, `There is nothing at ${path}`);
  const { model, tools, messages } = asked;
  how.onRequest({ model, tools, task: viewOf(messages).task });
  const answer = answerTo(asked, how.task);
  const message = messageOf(answer, asked);
  if (!asked.stream) return json(response, message);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  for (const event of eventsOf(message)) {
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    if (how.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, how.delayMs));
    if (response.destroyed) return;
  }
  response.end();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > REQUEST_LIMIT) throw new Error("The request is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function read(body: string): Asked {
  const { messages = [], tools = [], system = "", stream = false, model = "" } = JSON.parse(body);
  const words =
    typeof system === "string" ? system : system.map(({ text }: { text: string }) => text).join("\n");
  return {
    model: `${model}`,
    messages,
    tools: tools.map(({ name }: { name: string }) => name),
    folder: folderOf(words),
    stream,
    tokens: Math.ceil(body.length / 4),
  };
}

/** The folder that the agent works in, as its system prompt names it. */
function folderOf(system: string): string {
  return (
    /^\s*(?:-\s*)?(?:Folder|(?:Primary )?[Ww]orking directory):\s*(\/.*)$/m.exec(system)?.[1]?.trim() ?? "."
  );
}

/** Requests without tools are an agent's own small questions, a title for example. */
function answerTo(asked: Asked, task: ScriptedTask): ScriptedAnswer {
  if (asked.tools.length === 0) return { text: "Scripted task" };
  const answer = task(viewOf(asked.messages), asked.folder);
  const calls = (answer.calls ?? []).flatMap((call) => {
    const name = call.name === "Task" && !asked.tools.includes("Task") ? "Agent" : call.name;
    return asked.tools.includes(name) ? [{ ...call, name: name as typeof call.name }] : [];
  });
  return { ...answer, calls };
}

function messageOf({ text, calls = [] }: ScriptedAnswer, { messages, tokens }: Asked) {
  const id = `scripted_${messages.length}`;
  const uses = calls.map(({ name, input }, at) => ({
    type: "tool_use" as const,
    id: `toolu_${id}_${at}`,
    name,
    input,
  }));
  const content = [{ type: "text" as const, text }, ...uses];
  return {
    id: `msg_${id}`,
    type: "message" as const,
    role: "assistant" as const,
    model: MODEL,
    content,
    stop_reason: calls.length > 0 ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage: { ...usageOf(tokens), output_tokens: Math.ceil(JSON.stringify(content).length / 4) },
  };
}

const usageOf = (input_tokens: number) => ({
  input_tokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
});

/** The same answer as the Messages API streams it: texts by words, inputs by pieces of JSON. */
function* eventsOf(message: ReturnType<typeof messageOf>) {
  const { content, stop_reason, usage } = message;
  yield {
    type: "message_start",
    message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
  };
  yield { type: "ping" };
  for (const [index, block] of content.entries()) {
    const start = block.type === "text" ? { type: "text", text: "" } : { ...block, input: {} };
    yield { type: "content_block_start", index, content_block: start };
    const pieces =
      block.type === "text"
        ? (block.text.match(/\S*\s*/g) ?? [])
        : (JSON.stringify(block.input).match(/.{1,40}/gs) ?? []);
    for (const piece of pieces.filter((text) => text !== "")) {
      const delta =
        block.type === "text"
          ? { type: "text_delta", text: piece }
          : { type: "input_json_delta", partial_json: piece };
      yield { type: "content_block_delta", index, delta };
    }
    yield { type: "content_block_stop", index };
  }
  yield {
    type: "message_delta",
    delta: { stop_reason, stop_sequence: null },
    usage: { output_tokens: usage.output_tokens },
  };
  yield { type: "message_stop" };
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function fail(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ type: "error", error: { type: "invalid_request_error", message } }));
}
