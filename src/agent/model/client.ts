import type { ClientOptions } from "@anthropic-ai/sdk/client";
import type { Messages } from "@anthropic-ai/sdk/resources/messages/messages";
import { type Gathered, Gatherer } from "./gather.ts";
import type { RawMessageStreamEvent, Request } from "./messages.ts";
import { failureOf, isAnswer, ModelFailure } from "./model-failure.ts";
import { proxyFetch } from "./proxy-fetch.ts";

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
      opened ??= openMessages(baseUrl, env);
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await askOnce(await opened, request, how);
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

/** The library is loaded with the first request: it is most of the program. */
async function openMessages(baseUrl: string, env: NodeJS.ProcessEnv): Promise<Messages> {
  const { BaseAnthropic } = await import("@anthropic-ai/sdk/client");
  const { Messages } = await import("@anthropic-ai/sdk/resources/messages/messages");
  const { apiKey, token } = credentialOf(env);
  const client = new BaseAnthropic({
    baseURL: baseUrl,
    // Whatever is passed here keeps the library from looking for credentials in files of its own.
    authToken: token ?? "none",
    defaultHeaders: {
      ...(apiKey === undefined ? {} : { "x-api-key": apiKey }),
      ...(token === undefined ? { authorization: null } : {}),
      ...(token !== undefined && env["CLAUDE_CODE_OAUTH_TOKEN"] === token
        ? { "anthropic-beta": "oauth-2025-04-20" }
        : {}),
    },
    maxRetries: 0,
    timeout: Number(env["API_TIMEOUT_MS"] || 600_000),
    fetch: proxyFetch(env) as NonNullable<ClientOptions["fetch"]>,
  });
  return new Messages(client);
}

function credentialOf(env: NodeJS.ProcessEnv) {
  const apiKey = env["ANTHROPIC_API_KEY"] || undefined;
  const token = env["ANTHROPIC_AUTH_TOKEN"] || env["CLAUDE_CODE_OAUTH_TOKEN"] || undefined;
  // One of them goes: whoever checks them at the gate expects no second one.
  return token === undefined ? { apiKey: apiKey ?? "placeholder", token } : { apiKey: undefined, token };
}

async function askOnce(messages: Messages, request: Request, how: Asking): Promise<Gathered> {
  const gatherer = new Gatherer();
  const silence = new AbortController();
  const signal = AbortSignal.any([how.signal, silence.signal]);
  const watch = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const stream = await messages.create({ ...request, stream: true }, { signal });
    for await (const event of stream) {
      watch.refresh();
      gatherer.take(event);
      how.onEvent(event);
    }
    how.signal.throwIfAborted();
    return gatherer.whole;
  } catch (error) {
    // A connection that breaks in the middle is no endpoint out of reach.
    if (gatherer.hasBegun && !how.signal.aborted && !isAnswer(error)) return gatherer.whole;
    throw error;
  } finally {
    clearTimeout(watch);
  }
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
