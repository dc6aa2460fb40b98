import http from "node:http";
import { expect, test } from "vitest";
import { openGate, openOrigin } from "../../test/helpers/gate-fixture.ts";
import type { CredentialReader, Route } from "../model/index.ts";
import { parseRoute } from "../policy/index.ts";

const secret = "sk-real-0123456789";

function route(port: number, more: Partial<Parameters<typeof parseRoute>[0]["value"]> = {}): Route {
  const value = {
    name: "model.workcell",
    upstream: `http://localhost:${port}`,
    credential: { header: "x-api-key" } as const,
    ...more,
  };
  return parseRoute({ value, origin: "the test" });
}

const gives = (reader: Partial<CredentialReader> = {}) =>
  new Map([["model.workcell", { read: async () => secret, ...reader }]]);

const ask = (first: string, headers = "", body = "") =>
  `${first} HTTP/1.1\r\nHost: model.workcell\r\n${headers}Connection: close\r\n\r\n${body}`;

const messages = "POST http://model.workcell/v1/messages?beta=true";
const sent = "x-api-key: workcell-placeholder\r\nContent-Length: 4\r\n";

test("a request by a route reaches the upstream below its path, with the host's credential", async () => {
  await using origin = await openOrigin();
  const routes = [route(origin.port, { upstream: `http://localhost:${origin.port}/anthropic/` })];
  await using gate = await openGate([], { routes, credentials: gives() });
  const answer = await gate.talk(ask(messages, sent, "body"));
  expect(answer).toContain("POST /anthropic/v1/messages?beta=true body");
  expect(origin.seen).toEqual([
    `POST /anthropic/v1/messages?beta=true Host: localhost:${origin.port}; x-api-key: ${secret}; Content-Length: 4;`,
  ]);
  expect(gate.events).toMatchObject([
    {
      kind: "request",
      decision: "allow",
      rule: `route model.workcell to localhost:${origin.port}`,
      origin: "the test",
      subject: "POST http://model.workcell/v1/messages",
      address: "127.0.0.1",
      upstream: `localhost:${origin.port}`,
      status: 200,
    },
  ]);
  expect(JSON.stringify([gate.events, gate.denials])).not.toContain(secret);
});

test("a route without a credential sends none, the placeholder neither", async () => {
  await using origin = await openOrigin();
  const { credential: _, ...bare } = route(origin.port);
  await using gate = await openGate([], { routes: [bare] });
  await gate.talk(ask(messages, sent, "body"));
  expect(origin.seen).toEqual([
    `POST /v1/messages?beta=true Host: localhost:${origin.port}; Content-Length: 4;`,
  ]);
});

const refused: readonly (readonly [why: string, request: string, answer: RegExp])[] = [
  [
    "another credential",
    ask(messages, "x-api-key: sk-other\r\n"),
    /another credential towards model\.workcell \(x-api-key\)/,
  ],
  [
    "another path",
    ask("POST http://model.workcell/api/files"),
    /is not among POST \/v1, GET \/v1 for model\.workcell/,
  ],
  ["a path that only begins like it", ask("POST http://model.workcell/v12"), /is not among/],
  ["an encoded path", ask("POST http://model.workcell/v1/%2e%2e/api"), /is not among/],
  ["a relative path", ask("POST http://model.workcell/v1/../api"), /is not among/],
  ["another method", ask("DELETE http://model.workcell/v1/files/1"), /is not among/],
  [
    "another port",
    ask("GET http://model.workcell:81/v1").replace("Host: model.workcell", "Host: model.workcell:81"),
    /model\.workcell:81 is no route/,
  ],
  [
    "another name",
    ask("GET http://other.workcell/v1").replace("Host: model", "Host: other"),
    /other\.workcell is no route: there is model\.workcell/,
  ],
  [
    "a tunnel for TLS",
    "CONNECT model.workcell:443 HTTP/1.1\r\nHost: model.workcell:443\r\n\r\n",
    /takes plain HTTP at port 80 and nothing else.*Use http:\/\/model\.workcell\//,
  ],
];

test.each(refused)("%s is refused, and nothing reaches the upstream", async (_, request, answer) => {
  await using origin = await openOrigin();
  await using gate = await openGate([], { routes: [route(origin.port)], credentials: gives() });
  const text = await gate.talk(request);
  expect(text).toMatch(/^HTTP\/1\.1 403 /);
  expect(text).toMatch(answer);
  expect([origin.seen, gate.lookups]).toEqual([[], []]);
  expect(gate.events).toMatchObject([{ decision: "deny", layer: "gate" }]);
  expect(JSON.stringify([text, gate.events, gate.denials])).not.toMatch(/sk-(other|real)/);
});

const inside = "POST /v1/messages HTTP/1.1\r\nHost: model.workcell\r\nConnection: close\r\n";
const connect = "CONNECT model.workcell:80 HTTP/1.1\r\nHost: model.workcell:80\r\n\r\n";
const name = Buffer.from("model.workcell");
const socks = [
  Buffer.from([5, 1, 0]),
  Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([0, 80])]),
];

test.each([
  ["CONNECT", [connect]],
  ["SOCKS", socks],
])("a tunnel by %s for plain HTTP ends at the gate, which decides on each request", async (_, opening) => {
  await using origin = await openOrigin();
  await using gate = await openGate([], { routes: [route(origin.port)], credentials: gives() });
  const answer = await gate.talk(...opening, `${inside}${sent}\r\nbody`);
  expect(answer).toContain("POST /v1/messages body");
  expect(origin.seen[0]).toContain(`x-api-key: ${secret};`);
  const refused = await gate.talk(...opening, `${inside}x-api-key: sk-other\r\n\r\n`);
  expect(refused).toContain("another credential towards model.workcell");
  const elsewhere = await gate.talk(...opening, `${inside.replace("Host: model", "Host: other")}\r\n`);
  expect(elsewhere).toContain("HTTP/1.1 400 ");
  const sealed = await gate.talk(...opening, Buffer.from("160301000501000001", "hex"), "\r\n\r\n");
  expect(sealed).toContain("HTTP/1.1 400 ");
  expect(origin.seen).toHaveLength(1);
});

test("what a route leads to stays refused under its own name", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([], { routes: [route(origin.port)], credentials: gives() });
  const host = `localhost:${origin.port}`;
  const text = await gate.talk(
    `POST http://${host}/v1/messages HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  );
  expect(text).toMatch(/^HTTP\/1\.1 403 /);
  expect(origin.seen).toEqual([]);
});

test("an upstream that is denied stays denied, by name and by address", async () => {
  await using origin = await openOrigin();
  const deny = (address: string) =>
    ({
      effect: "deny",
      pattern: { kind: "address", address, port: undefined, text: address },
      origin: "flag --deny-host",
      named: false,
    }) as const;
  await using gate = await openGate([deny("127.0.0.1")], {
    routes: [route(origin.port)],
    credentials: gives(),
  });
  expect(await gate.talk(ask(messages, sent, "body"))).toMatch(/^HTTP\/1\.1 403 .*deny 127\.0\.0\.1/);
  const metadata = route(origin.port, { upstream: "http://metadata.example" });
  await using other = await openGate([], {
    routes: [metadata],
    credentials: gives(),
    resolve: async () => ["169.254.169.254"],
  });
  expect(await other.talk(ask(messages, sent, "body"))).toMatch(/^HTTP\/1\.1 403 .*169\.254\.169\.254/);
  expect(origin.seen).toEqual([]);
});

test("a connection is kept for the next request, and a redirect is not followed", async () => {
  const ports = new Set<number | undefined>();
  await using origin = await openOrigin((request, response) => {
    ports.add(request.socket.remotePort);
    response.writeHead(302, { location: "http://elsewhere.example/", "set-cookie": "s=1" }).end();
  });
  await using gate = await openGate([], { routes: [route(origin.port)], credentials: gives() });
  const text = await gate.talk(
    "GET http://model.workcell/v1/a HTTP/1.1\r\nHost: model.workcell\r\n\r\n",
    ask("GET http://model.workcell/v1/b"),
  );
  expect(text.match(/HTTP\/1\.1 302/g)).toHaveLength(2);
  expect(text).toContain("http://elsewhere.example/");
  expect(text).not.toMatch(/set-cookie/i);
  expect([origin.seen.length, ports.size, gate.lookups]).toEqual([2, 1, ["localhost"]]);
});

test("a credential that cannot be had is a failure of the gate's, told without it", async () => {
  await using origin = await openOrigin();
  const readers: readonly CredentialReader[] = [
    { read: () => Promise.reject(new Error(`it printed ${secret}`)) },
    { read: async () => "" },
    { read: async () => `${secret}\r\nx-more: 1` },
  ];
  for (const reader of readers) {
    const credentials = new Map([["model.workcell", reader]]);
    await using gate = await openGate([], { routes: [route(origin.port)], credentials });
    const text = await gate.talk(ask(messages, sent, "body"));
    expect(text).toMatch(/^HTTP\/1\.1 502 .*model\.workcell: its credential /);
    expect(JSON.stringify([text, gate.events])).not.toContain(secret);
    expect(gate.events).toMatchObject([
      { decision: "allow", failure: expect.stringContaining("credential") },
    ]);
  }
  await using bare = await openGate([], { routes: [route(origin.port)] });
  expect(await bare.talk(ask(messages, sent, "body"))).toMatch(/^HTTP\/1\.1 502 /);
  expect(origin.seen).toEqual([]);
});

test("a credential that the upstream does not take is said to whoever gives it", async () => {
  let status = 401;
  await using origin = await openOrigin((_, response) => response.writeHead(status).end());
  let times = 0;
  const credentials = gives({
    refused: () => {
      times += 1;
    },
  });
  await using gate = await openGate([], { routes: [route(origin.port)], credentials });
  await gate.talk(ask("GET http://model.workcell/v1"));
  status = 500;
  await gate.talk(ask("GET http://model.workcell/v1"));
  expect(times).toBe(1);
  expect(gate.events.map((event) => event.status)).toEqual([401, 500]);
});

test("what is streamed is passed on piece by piece", async () => {
  const responses: http.ServerResponse[] = [];
  await using origin = await openOrigin((_, response) => {
    responses.push(response);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: 1\n\n");
  });
  await using gate = await openGate([], { routes: [route(origin.port)], credentials: gives() });
  const pieces = await new Promise<readonly string[]>((resolve, reject) => {
    const got: string[] = [];
    const request = http.request({
      socketPath: gate.socket,
      path: "http://model.workcell/v1/messages",
      headers: { host: "model.workcell" },
    });
    request.on("error", reject).on("response", (response) => {
      response.setEncoding("utf8").on("data", (piece: string) => {
        got.push(piece);
        // The next one is written only when this one has come.
        if (got.length < 3) responses[0]?.write(`data: ${got.length + 1}\n\n`);
        else responses[0]?.end();
      });
      response.on("end", () => resolve(got));
    });
    request.end();
  });
  expect(pieces).toEqual(["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]);
});
