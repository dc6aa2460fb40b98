import { createServer, request as httpRequest } from "node:http";
import type net from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { serveMessages, startAgent } from "../../../test/helpers/messages-api.ts";
import { proxyFor } from "./proxy-fetch.ts";

const run = async (api: { readonly url: string }, env: NodeJS.ProcessEnv = {}) => {
  const agent = startAgent(["--json", "--model", "some-model", "hi"], { ...api, env });
  agent.closeInput();
  const code = await agent.ended;
  return { code, agent, end: agent.find("ended") };
};

test.each([429, 500, 503, 529])(
  "an answer of %i is tried again, and each attempt is told",
  async (status) => {
    const failing = { status, headers: { "retry-after": "0" } };
    const api = await serveMessages([failing, failing, { text: "at last" }]);
    const { code, agent, end } = await run(api);
    expect([code, api.requests.length]).toEqual([0, 3]);
    expect(
      agent
        .lines()
        .filter(({ type }) => type === "retry")
        .map(({ attempt }) => attempt),
    ).toEqual([1, 2]);
    expect(end).toMatchObject({ status: "done", text: "at last" });
  },
);

test.each([
  [401, "unauthorised", "refused the credential"],
  [403, "unauthorised", "refused the credential"],
  [404, "unknown-model", 'The model "some-model" is unknown or retired'],
  [400, "refused", "refused the request"],
])("an answer of %i ends the turn at once as %s", async (status, kind, message) => {
  const api = await serveMessages([{ status, error: "because" }]);
  const { code, end } = await run(api);
  expect([code, api.requests.length]).toEqual([1, 1]);
  expect(end).toMatchObject({
    status: "failed",
    failure: { kind, message: expect.stringContaining(message) },
  });
  expect(end).toMatchObject({ failure: { message: expect.stringContaining("because") } });
});

test("what stays overloaded is given up after the asked number of attempts", async () => {
  const api = await serveMessages([{ status: 529, headers: { "retry-after": "0" } }]);
  const { code, end } = await run(api);
  expect([code, api.requests.length]).toEqual([1, 3]);
  expect(end).toMatchObject({ failure: { kind: "overloaded" } });
});

test.each(["broken", "ended"] as const)(
  "a stream that is %s in the middle is asked for again",
  async (isCut) => {
    const api = await serveMessages([{ text: "half", isCut }, { text: "whole" }]);
    const { code, agent, end } = await run(api);
    expect([code, end?.["text"]]).toEqual([0, "whole"]);
    expect(agent.find("retry")).toMatchObject({
      attempt: 1,
      why: expect.stringContaining("was cut off after 1 part"),
    });
    expect(api.requests[1]?.messages).toEqual(api.requests[0]?.messages);
  },
);

test("an error that the endpoint reports within the stream is taken as what it is", async () => {
  const overloaded = await serveMessages([
    { text: "half", errorEvent: "overloaded_error" },
    { text: "whole" },
  ]);
  const first = await run(overloaded);
  expect([first.code, first.agent.find("retry")?.["why"]]).toEqual([
    0,
    expect.stringContaining("is overloaded"),
  ]);
  const refused = await serveMessages([{ text: "half", errorEvent: "invalid_request_error" }]);
  expect((await run(refused)).end).toMatchObject({ failure: { kind: "refused" } });
});

test("an endpoint that cannot be reached is said to be so, with its address", async () => {
  const { code, end } = await run({ url: "http://127.0.0.1:9" }, { CLAUDE_CODE_MAX_RETRIES: "0" });
  expect(code).toBe(1);
  expect(end).toMatchObject({
    failure: {
      kind: "unreachable",
      message: expect.stringMatching(/http:\/\/127\.0\.0\.1:9 cannot be reached: .*ECONNREFUSED/),
    },
  });
});

test("what the gate could not carry out is an endpoint that cannot be reached, for the gate's own reason", async () => {
  const headers = { "x-workcell-fault": "model.workcell (10.0.0.9:9): ECONNREFUSED", "retry-after": "0" };
  const behind = await serveMessages([{ status: 502, headers, body: "Workcell's gate could not\n" }]);
  const { agent, end } = await run(behind);
  const message = "The model's endpoint cannot be reached: model.workcell (10.0.0.9:9): ECONNREFUSED.";
  expect(end).toMatchObject({ failure: { kind: "unreachable", message } });
  expect(agent.find("retry")).toMatchObject({ why: message });
  // Control: another's 502 says what its body says, in one line and with its status once.
  const other = await serveMessages([
    { status: 502, headers: { "retry-after": "0" }, body: "bad\ngateway\n" },
  ]);
  expect((await run(other)).end).toMatchObject({
    failure: {
      kind: "broken",
      message: `The model's endpoint failed. ${other.url} answered 502: bad gateway`,
    },
  });
});

test.each([
  ["a page of HTML", "<p>Sign in</p>", 'answered 200 with "text/html", and text/event-stream was asked for'],
  ["without an end", "x".repeat(65 * 1024 * 1024), "answered more than 64 MiB"],
])("an answer that is %s ends the turn at once", async (_, body, message) => {
  const page = { status: 200, headers: { "content-type": "text/html" }, body };
  const api = await serveMessages([page, { text: "at last" }]);
  const { code, end } = await run(api);
  expect([code, api.requests.length]).toEqual([1, 1]);
  expect(end).toMatchObject({ failure: { kind: "refused", message: expect.stringContaining(message) } });
});

test("a token goes as a bearer, and then no key does", async () => {
  const api = await serveMessages([{ text: "ok" }]);
  await run(api, { ANTHROPIC_AUTH_TOKEN: "token" });
  expect(api.requests[0]?.headers).toMatchObject({ authorization: "Bearer token" });
  expect(api.requests[0]?.headers).not.toHaveProperty("x-api-key");
});

/** A proxy that keeps a list of what it was asked for. */
async function serveProxy() {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { hostname, port, pathname } = new URL(incoming.url ?? "");
    const { method, headers } = incoming;
    const onwards = httpRequest({ host: hostname, port, path: pathname, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onwards.on("error", () => response.destroy());
    incoming.pipe(onwards);
  });
  server.on("connect", (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}` };
}

test("a plain endpoint is asked through the proxy, in absolute form", async () => {
  const [api, proxy] = [await serveMessages([{ text: "ok" }]), await serveProxy()];
  expect((await run(api, { HTTP_PROXY: proxy.url })).code).toBe(0);
  expect(proxy.asked).toEqual([`POST ${api.url}/v1/messages`]);
  await run(api, { HTTP_PROXY: proxy.url, NO_PROXY: "localhost,127.0.0.1" });
  expect([proxy.asked.length, api.requests.length]).toEqual([1, 2]);
});

test("a TLS endpoint is asked for by CONNECT, and a refusal names the proxy", async () => {
  const proxy = await serveProxy();
  const { end } = await run(
    { url: "https://api.example" },
    { HTTPS_PROXY: proxy.url, CLAUDE_CODE_MAX_RETRIES: "0" },
  );
  expect(proxy.asked).toEqual(["CONNECT api.example:443"]);
  expect(end).toMatchObject({
    failure: {
      kind: "unreachable",
      message: expect.stringMatching(
        /the proxy 127\.0\.0\.1:\d+ refused CONNECT api\.example:443: 403 Forbidden/,
      ),
    },
  });
});

test.each([
  ["http://a.example/", { HTTP_PROXY: "http://p:1" }, "http://p:1/"],
  ["http://a.example/", { http_proxy: "p:1" }, "http://p:1/"],
  ["https://a.example/", { HTTP_PROXY: "http://p:1" }, undefined],
  ["https://a.example/", { HTTPS_PROXY: "http://p:1", NO_PROXY: "b.example" }, "http://p:1/"],
  ["https://a.example/", { HTTPS_PROXY: "http://p:1", NO_PROXY: ".example" }, undefined],
  ["https://a.example/", { HTTPS_PROXY: "http://p:1", no_proxy: "*" }, undefined],
  ["https://a.example:8443/", { HTTPS_PROXY: "http://p:1", NO_PROXY: "a.example:443" }, "http://p:1/"],
  ["http://[::1]:80/", { HTTP_PROXY: "http://p:1", NO_PROXY: "::1" }, undefined],
  ["http://nota.example/", { HTTP_PROXY: "http://p:1", NO_PROXY: "a.example" }, "http://p:1/"],
])("proxyFor(%s) with %j is %s", (url, env, proxy) => {
  expect(proxyFor(new URL(url), env)?.href).toBe(proxy);
});
