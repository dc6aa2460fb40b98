import type { Messages } from "@anthropic-ai/sdk/resources/messages/messages";
import { type Gathered, Gatherer } from "./gather.ts";
import type { RawMessageStreamEvent, Request } from "./messages.ts";
import { failureOf, isAnswer, ModelFailure } from "./model-failure.ts";

/** Asks a model and waits for its whole answer, showing it as it comes. */
export interface ModelClient {
  ask(request: Request, how: Asking): Promise<Gathered>;
}

export interface Asking {
  readonly signal: AbortSignal;
  readonly onEvent: (event: RawMessageStreamEvent) => void;
  /** Told before each further attempt. */
  readonly onRetry: (retry: Retry) => void;
}

export interface Retry {
  readonly attempt: number;
  readonly of: number;
  readonly waitMs: number;
  readonly why: string;
}

/** The longest that a stream may be silent: the Messages API sends a ping far more often. */
const SILENCE_MS = 300_000;

/** A client for the endpoint and the credential that the environment names; in a cell the latter is a placeholder. */
export function makeClient(env: NodeJS.ProcessEnv): ModelClient {
  const baseUrl = env["ANTHROPIC_BASE_URL"] || "https://api.anthropic.com";
  let opened: Promise<Messages> | undefined;
  const retries = Number(env["CLAUDE_CODE_MAX_RETRIES"] || 10);
  return {
    ask: async (request, how) => {
      // The library is most of the program, and is loaded with the first request.
      opened ??= import("./open-messages.ts").then(({ openMessages }) => openMessages(baseUrl, env));
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await askOnce(await opened, request, { ...how, baseUrl });
        } catch (error) {
          const asked = { model: request.model, baseUrl };
          const failure = how.signal.aborted ? interrupted() : failureOf(error, asked);
          if (!failure.mayRetry || attempt > retries) throw failure;
          const waitMs =
            failure.retryAfterMs ?? Math.min(500 * 2 ** (attempt - 1), 30_000) * (0.75 + Math.random() / 2);
          how.onRetry({ attempt, of: retries, waitMs: Math.round(waitMs), why: failure.message });
          await wait(waitMs, how.signal);
        }
      }
    },
  };
}

async function askOnce(
  messages: Messages,
  request: Request,
  how: Asking & { readonly baseUrl: string },
): Promise<Gathered> {
  const gatherer = new Gatherer();
  const silence = new AbortController();
  const signal = AbortSignal.any([how.signal, silence.signal]);
  const watch = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const asked = messages.create({ ...request, stream: true }, { signal });
    const { data: stream, response } = await asked.withResponse();
    for await (const event of stream) {
      watch.refresh();
      gatherer.take(event);
      how.onEvent(event);
    }
    how.signal.throwIfAborted();
    if (!gatherer.hasBegun) refuseOthers(response, how.baseUrl);
    return gatherer.whole;
  } catch (error) {
    if (error instanceof ModelFailure) throw error;
    // A connection that breaks in the middle is no endpoint out of reach.
    if (gatherer.hasBegun && !how.signal.aborted && !isAnswer(error)) return gatherer.whole;
    throw error;
  } finally {
    clearTimeout(watch);
  }
}

/** A page to sign in at, or another server's answer, stays what it is however often it is asked for. */
function refuseOthers({ status, headers }: Response, baseUrl: string): void {
  const type = headers.get("content-type") ?? "";
  if (type === "" || /^text\/event-stream\b/i.test(type)) return;
  throw new ModelFailure("refused", {
    message: `${baseUrl} is no model's endpoint: it answered ${status} with ${JSON.stringify(type.slice(0, 100))}, and text/event-stream was asked for.`,
    remedy: "Check its address, where you set one (ANTHROPIC_BASE_URL).",
  });
}

function interrupted(): ModelFailure {
  return new ModelFailure("interrupted", {
    message: "The request was interrupted.",
    remedy: "Send a message to go on.",
  });
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(interrupted());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}
