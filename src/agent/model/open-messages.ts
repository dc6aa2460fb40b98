import { BaseAnthropic, type ClientOptions } from "@anthropic-ai/sdk/client";
import { Messages } from "@anthropic-ai/sdk/resources/messages/messages";
import { proxyFetch } from "./proxy-fetch.ts";

/** The Messages API's client, of all that the library has: with the endpoint's proxy and one credential. */
export function openMessages(baseUrl: string, env: NodeJS.ProcessEnv): Messages {
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
