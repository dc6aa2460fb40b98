import { createServer } from "node:http";
import { PassThrough } from "node:stream";
import { onTestFinished } from "vitest";
import { runAgent } from "../../src/agent/run-agent.ts";
import { until } from "./run-workcell.ts";
import { tempFolder } from "./temp-folder.ts";

/** A request as the API got it. */
export interface ApiRequest {
  readonly model: string;
  readonly system: readonly { readonly text: string; readonly cache_control?: object }[];
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Block[] }[];
  readonly tools?: readonly { readonly name: string }[];
  readonly headers: NodeJS.Dict<string | string[]>;
}

export type Block = Readonly<Record<string, unknown>> & { readonly type: string };

/** A call of a tool, in an answer; `json` is its input as the model writes it. */
export const use = (name: string, input: object | string, id = `id-${name}`) => ({ name, input, id });

export interface ApiAnswer {
  readonly text?: string;
  readonly uses?: readonly ReturnType<typeof use>[];
  readonly stop?: string;
  readonly tokens?: number;
  /** Another model than was asked for. */
  readonly model?: string;
  /** Ends the connection before the answer's end. */
  readonly isCut?: "broken" | "ended";
  /** Comes in the middle of the stream, as the API reports what happens then. */
  readonly errorEvent?: string;
  /** Says nothing after the text. */
  readonly hangs?: boolean;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly error?: string;
  /** The body of such an answer, where it is none of the API's. */
  readonly body?: string;
}

type Responder = ApiAnswer | ((request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>);

/** A Messages API on the loopback that gives these answers, in turn; the last one again and again. */
export async function serveMessages(answers: readonly Responder[]) {
  const requests: ApiRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const request = { ...JSON.parse(Buffer.concat(chunks).toString()), headers: incoming.headers };
    requests.push(request);
    const responder = answers[Math.min(requests.length, answers.length) - 1] ?? {};
    const answer = typeof responder === "function" ? await responder(request) : responder;
    if (answer.status !== undefined) {
      response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
      response.end(
        answer.body ??
          JSON.stringify({ type: "error", error: { type: "error", message: answer.error ?? "no" } }),
      );
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of eventsOf(answer, request))
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    if (answer.errorEvent !== undefined) response.end(errorEvent(answer.errorEvent));
    else if (answer.isCut === "broken") setTimeout(() => response.destroy(), 50);
    else if (!answer.hangs) response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${port}`, port, requests };
}

const errorEvent = (type: string) =>
  `event: error\ndata: ${JSON.stringify({ type: "error", error: { type, message: "sorry" } })}\n\n`;

function* eventsOf(
  { text = "", uses = [], stop, tokens = 10, isCut, hangs, errorEvent, model }: ApiAnswer,
  request: ApiRequest,
) {
  const usage = {
    input_tokens: tokens,
    output_tokens: 1,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
  const message = {
    id: "msg",
    type: "message",
    role: "assistant",
    model: model ?? request.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  yield { type: "message_start", message };
  if (text !== "") {
    yield { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
    yield { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } };
    if (isCut !== undefined || hangs || errorEvent !== undefined) return;
    yield { type: "content_block_stop", index: 0 };
  }
  for (const [at, { name, input, id }] of uses.entries()) {
    const index = at + (text === "" ? 0 : 1);
    yield { type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } };
    const json = typeof input === "string" ? input : JSON.stringify(input);
    yield { type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json: json } };
    yield { type: "content_block_stop", index };
  }
  const stop_reason = stop ?? (uses.length > 0 ? "tool_use" : "end_turn");
  yield { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } };
  yield { type: "message_stop" };
}

/** One line of the agent's output. */
export type Line = Readonly<Record<string, unknown>> & { readonly type: string };

/** Runs the agent's program in this process, on a folder and a home of its own. */
export function startAgent(
  words: readonly string[],
  how: {
    readonly url: string;
    readonly folder?: string;
    readonly home?: string;
    readonly env?: NodeJS.ProcessEnv;
    /** A person types on stdin. */
    readonly terminal?: boolean;
  },
) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const texts = { out: "", err: "" };
  Object.assign(stdin, { isTTY: how.terminal === true });
  stdout.on("data", (chunk: Buffer) => {
    texts.out += chunk;
  });
  stderr.on("data", (chunk: Buffer) => {
    texts.err += chunk;
  });
  const folder = how.folder ?? tempFolder();
  const home = how.home ?? tempFolder();
  let heard: (signal: "SIGINT" | "SIGTERM") => void = () => {};
  const env = {
    ...{ PATH: process.env["PATH"], HOME: home, TMPDIR: tempFolder() },
    ...{ ANTHROPIC_BASE_URL: how.url, ANTHROPIC_API_KEY: "placeholder", CLAUDE_CODE_MAX_RETRIES: "2" },
    ...how.env,
  };
  const onSignal = (listener: typeof heard) => {
    heard = listener;
  };
  const ended = runAgent(words, { version: "1.2.3", cwd: folder, env, stdin, stdout, stderr, onSignal });
  const lines = (): Line[] =>
    texts.out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  const find = (type: string, more: object = {}) =>
    lines().find(
      (line) => line.type === type && Object.entries(more).every(([name, value]) => line[name] === value),
    );
  return {
    ...{ folder, home, ended, lines, find, texts },
    signal: (signal: "SIGINT" | "SIGTERM") => heard(signal),
    say: (message: object) => stdin.write(`${JSON.stringify(message)}\n`),
    type: (line: string) => stdin.write(`${line}\n`),
    closeInput: () => stdin.end(),
    /** Waits for a line of this kind. */
    async seen(type: string, more: object = {}): Promise<Line> {
      await until(() => find(type, more) !== undefined, 10_000);
      return find(type, more) as Line;
    },
  };
}

/** What the last message of a request holds, as tool results. */
export function resultsOf(request: ApiRequest | undefined): readonly Block[] {
  const content = request?.messages.at(-1)?.content ?? [];
  return typeof content === "string" ? [] : content.filter(({ type }) => type === "tool_result");
}
