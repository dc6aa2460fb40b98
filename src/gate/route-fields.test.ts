import { expect, test } from "vitest";
import { foreignCredential, routedFields, withoutCookies } from "./route-fields.ts";

const fields = (text: string) =>
  text.split("\n").map((line) => {
    const [, name = "", value = ""] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
    return { name, value };
  });
const text = (headers: readonly { readonly name: string; readonly value: string }[]) =>
  headers.map(({ name, value }) => `${name}: ${value}`).join("\n");

const foreign: readonly (readonly [headers: string, path: string, where: string])[] = [
  ["x-api-key: sk-other", "/v1", "x-api-key"],
  ["X-Api-Key: sk-other", "/v1", "x-api-key"],
  ["x_api_key: sk-other", "/v1", "x_api_key"],
  ["authorization: Bearer sk-other", "/v1", "authorization"],
  ["Authorization: Basic d29ya2NlbGw6cGxhY2Vob2xkZXI=", "/v1", "authorization"],
  ["proxy-authorization: Basic YTpi", "/v1", "proxy-authorization"],
  ["cookie: sessionKey=sk-other", "/v1", "cookie"],
  ["x-goog-api-key: other", "/v1", "x-goog-api-key"],
  ["ocp-apim-subscription-key: other", "/v1", "ocp-apim-subscription-key"],
  ["x-litellm-api-key: other", "/v1", "x-litellm-api-key"],
  ["x-auth-token: other", "/v1", "x-auth-token"],
  ["X-RapidAPI-Key: other", "/v1", "x-rapidapi-key"],
  ["Private-Token: other", "/v1", "private-token"],
  ["x-functions-key: other", "/v1", "x-functions-key"],
  ["x-amz-security-token: other", "/v1", "x-amz-security-token"],
  ["apikey: other", "/v1", "apikey"],
  ["X_AUTH_USER: other", "/v1", "x_auth_user"],
  ["x-stainless-api-key: other", "/v1", "x-stainless-api-key"],
  ["x-api-key: workcell-placeholder, sk-other", "/v1", "x-api-key"],
  ["x-api-key: workcell-placeholder\nx-api-key: sk-other", "/v1", "x-api-key"],
  ["authorization: Bearer workcell-placeholder sk-other", "/v1", "authorization"],
  ["accept: */*", "/v1/models?key=other", "?key="],
  ["accept: */*", "/v1/models?a=1&%6bey=other", "?key="],
  ["accept: */*", "/v1/models?Access_Token=other", "?Access_Token="],
  ["accept: */*", "/v1/models?subscription-key=other", "?subscription-key="],
  ["accept: */*", "/v1/models?a=1;key=other", "?key="],
  ["accept: */*", "/v1/models?api_key%5B%5D=other", "?api_key[]="],
  ["accept: */*", "/v1/models?key[0]=other", "?key[0]="],
  ["accept: */*", "/v1/models?a[key=other", "?a[key="],
  ["accept: */*", "/v1/models?+key%20=other", "? key ="],
  ["accept: */*", "/v1/models?key%00=other", "?key\0="],
];

test.each(foreign)("foreignCredential() finds the one of %j at %s", (headers, path, where) => {
  expect(foreignCredential(fields(headers), path)).toBe(where);
});

test("foreignCredential() takes the placeholder, and what is none", () => {
  const own = `x-api-key: workcell-placeholder
authorization: Bearer workcell-placeholder
proxy-authorization: bearer workcell-placeholder
cookie: workcell-placeholder
x-goog-api-key:
idempotency-key: 1
anthropic-version: 2023-06-01
x-stainless-lang: js`;
  expect(
    foreignCredential(
      fields(own),
      "/v1/messages?beta=true&key=workcell-placeholder&page_token=2&max_tokens=3&metadata[key]=4",
    ),
  ).toBeUndefined();
});

test("routedFields() leaves out all of the cell's credentials and puts the host's in", () => {
  const asked = `Connection: x-api-key, x-own
X-Own: 1
Accept: text/event-stream
X_Api_Key: workcell-placeholder
Authorization: Bearer workcell-placeholder
Cookie: workcell-placeholder
X-HTTP-Method-Override: DELETE
X-Forwarded-Host: elsewhere.example
X-Original-URL: /v1/files
Content_Length: 9
Transfer_Encoding: chunked
X-Some-Account: other
Cf-Access-Client-Id: other
X-Stainless-Api-Key: workcell-placeholder
Anthropic-Beta: a-1, b-2`;
  const credential = {
    field: { header: "authorization", scheme: "Bearer", also: { "anthropic-beta": "oauth-1" } },
    value: "sk-own",
  } as const;
  expect(text(routedFields(fields(asked), credential))).toBe(
    "Accept: text/event-stream\nanthropic-beta: a-1,b-2,oauth-1\nauthorization: Bearer sk-own",
  );
  const key = { field: { header: "x-api-key" }, value: "sk-own" } as const;
  expect(text(routedFields(fields(asked), key))).toBe(
    "Accept: text/event-stream\nAnthropic-Beta: a-1, b-2\nx-api-key: sk-own",
  );
  expect(text(routedFields(fields(asked), undefined))).toBe(
    "Accept: text/event-stream\nAnthropic-Beta: a-1, b-2",
  );
});

test("routedFields() says once what goes with a credential", () => {
  const credential = {
    field: { header: "authorization", also: { "anthropic-beta": "o" } },
    value: "k",
  } as const;
  expect(text(routedFields(fields("anthropic-beta: o,a"), credential))).toBe(
    "anthropic-beta: o,a\nauthorization: k",
  );
});

test("routedFields() lets through what clients of models say of themselves", () => {
  const said = `accept: application/json
anthropic-dangerous-direct-browser-access: true
anthropic-version: 2023-06-01
content-type: application/json
idempotency-key: 1
user-agent: some/1
x-app: cli
x-stainless-lang: js
session_id: 1
x-goog-api-client: some/1`;
  expect(text(routedFields(fields(said), undefined))).toBe(said);
});

test("withoutCookies() lets no session in", () => {
  expect(text(withoutCookies(fields("Set-Cookie: a=1\nRequest-Id: 1\nset-cookie2: b")))).toBe(
    "Request-Id: 1",
  );
});
