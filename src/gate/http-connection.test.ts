import { expect, test } from "vitest";
import { flagRule, namedRule, openCanned, openGate, openOrigin } from "../../test/helpers/gate-fixture.ts";

const get = (url: string, host: string, more = "") => `GET ${url} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const closing = "Connection: close\r\n";

test("an allowed request reaches the origin in origin form, and its answer comes back", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([namedRule("allowed.example")]);
  const host = `allowed.example:${origin.port}`;
  const more = `${closing}Proxy-Authorization: Basic eDp5\r\nX-Hop: 1\r\nAccept: */*\r\n`;
  const text = get(`http://${host}/a?b=c`, host, more.replace("close", "close, x-hop"));
  expect(await gate.talk(text)).toBe(
    "HTTP/1.1 200 OK\r\ndate: now\r\nContent-Length: 11\r\nConnection: close\r\n\r\nGET /a?b=c ",
  );
  expect(origin.seen).toEqual([`GET /a?b=c Host: ${host}; Accept: */*;`]);
  expect(gate.events).toEqual([
    {
      session: "test-session",
      cell: "1",
      kind: "request",
      decision: "allow",
      layer: "gate",
      rule: "allowed.example",
      origin: "test, preset npm",
      subject: `GET http://${host}/a`,
      address: "127.0.0.1",
      bytesUp: text.length,
      bytesDown: 80,
      durationMs: expect.any(Number),
    },
  ]);
});

test("a refused request is answered with layer, rule, origin and remedy, and is never resolved", async () => {
  await using gate = await openGate([
    namedRule("registry.example", { origin: "profile cowork, preset npm" }),
  ]);
  const rule = "not among 1 allowed host (profile cowork, preset npm)";
  const remedy = "workcell run --allow-host collect.example";
  const body = [
    "Workcell refused POST http://collect.example/in",
    "layer   gate",
    `rule    ${rule}`,
    "origin  profile cowork, preset npm",
    `remedy  ${remedy}`,
    "",
  ].join("\n");
  const text =
    "POST http://collect.example/in?t=1 HTTP/1.1\r\nHost: collect.example\r\nContent-Length: 6\r\n\r\nsecret";
  expect(await gate.talk(text)).toBe(
    [
      `HTTP/1.1 403 Refused by Workcell's gate: ${rule}. To allow it: ${remedy}`,
      "content-type: text/plain; charset=utf-8",
      `content-length: ${body.length}`,
      `x-workcell-denied: ${rule}`,
      "connection: close",
      "",
      body,
    ].join("\r\n"),
  );
  const what = "POST http://collect.example/in";
  const origin = "profile cowork, preset npm";
  expect(gate.denials).toEqual([{ layer: "gate", rule, origin, what, remedy }]);
  expect(gate.events).toEqual([
    {
      session: "test-session",
      cell: "1",
      kind: "request",
      decision: "deny",
      layer: "gate",
      rule,
      origin,
      subject: what,
    },
  ]);
  expect(gate.lookups).toEqual([]);
});

test("an empty list allows nothing; the control with one rule allows", async () => {
  await using origin = await openOrigin();
  const text = get(`http://a.example:${origin.port}/`, `a.example:${origin.port}`, closing);
  await using empty = await openGate([]);
  expect(await empty.talk(text)).toMatch(/^HTTP\/1\.1 403 .*not among 0 allowed hosts/);
  await using one = await openGate([namedRule("a.example")]);
  expect(await one.talk(text)).toMatch(/^HTTP\/1\.1 200 OK/);
});

test("every request of a kept connection is decided for itself, and one upstream serves one target", async () => {
  let connections = 0;
  await using origin = await openOrigin((request, response) => {
    if (request.socket.listenerCount("seen") === 0) connections += 1;
    request.socket.on("seen", () => {});
    response.setHeader("content-length", "2").end("ok");
  });
  await using gate = await openGate([namedRule("a.example"), namedRule("b.example")]);
  const ask = (name: string) => get(`http://${name}:${origin.port}/`, `${name}:${origin.port}`);
  const answer = await gate.talk(
    ask("a.example") + ask("a.example") + ask("b.example") + ask("evil.example"),
  );
  expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
    "200",
    "200",
    "200",
    "403",
  ]);
  expect(connections).toBe(2);
  expect(gate.events.map(({ decision, subject }) => `${decision} ${subject}`)).toEqual([
    `allow GET http://a.example:${origin.port}/`,
    `allow GET http://a.example:${origin.port}/`,
    `allow GET http://b.example:${origin.port}/`,
    `deny GET http://evil.example:${origin.port}/`,
  ]);
});

test("bodies of either framing go up and down whole, in any pieces", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([namedRule("a.example")]);
  const host = `a.example:${origin.port}`;
  const post = (more: string) => `POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n${more}`;
  const chunked = post(
    "Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
  );
  const sized = post("Content-Length: 5\r\nConnection: close\r\n\r\nhello");
  const answer = await gate.talk(...((chunked + sized).match(/[\s\S]{1,7}/g) ?? []));
  expect(answer.split("\r\n").filter((line) => /^(HTTP|POST)/.test(line))).toEqual([
    "HTTP/1.1 200 OK",
    expect.stringMatching(/^POST \/ abc0123456789HTTP\/1\.1 200 OK$/),
    "POST / hello",
  ]);
  expect(origin.seen.join()).not.toMatch(/ext=1|Trailer/);
});

test("HEAD, 204 and 304 have no body, whatever their length says, and the connection goes on", async () => {
  await using origin = await openOrigin((request, response) => {
    const status = Number(request.url?.slice(1));
    response.writeHead(status, status === 204 ? {} : { "content-length": "4" });
    response.end(request.method === "HEAD" || status !== 200 ? undefined : "body");
  });
  await using gate = await openGate([namedRule("a.example")]);
  const ask = (method: string, status: number, more = "") =>
    `${method} http://a.example:${origin.port}/${status} HTTP/1.1\r\nHost: a.example:${origin.port}\r\n${more}\r\n`;
  const answer = await gate.talk(
    ask("HEAD", 200) + ask("GET", 204) + ask("GET", 304) + ask("GET", 200, closing),
  );
  expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
    "200",
    "204",
    "304",
    "200",
  ]);
  expect(answer.endsWith("\r\n\r\nbody")).toBe(true);
});

test("an answer without a length ends with its connection; an interim answer goes before", async () => {
  await using origin = await openCanned(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nX-Workcell-Denied: no\r\n\r\nall of it",
  );
  await using gate = await openGate([namedRule("a.example")]);
  const host = `a.example:${origin.port}`;
  expect(await gate.talk(get(`http://${host}/`, host))).toBe(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nConnection: close\r\n\r\nall of it",
  );
});

test("an upgrade is not asked for, and a switch of protocols is not let through", async () => {
  await using origin = await openCanned("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw");
  await using gate = await openGate([namedRule("a.example")]);
  const host = `a.example:${origin.port}`;
  const upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n";
  expect(await gate.talk(get(`http://${host}/`, host, upgrade))).toMatch(/^HTTP\/1\.1 502 /);
  expect(origin.seen).toEqual([`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`]);
});

const malformedAnswers: Record<string, string> = {
  both: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  lengths: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  folded: "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
  silent: "",
  junk: "SSH-2.0-x\r\n\r\n",
};

test.each(Object.entries(malformedAnswers))(
  "an origin's malformed answer (%s) becomes 502",
  async (_name, canned) => {
    await using origin = await openCanned(canned);
    await using gate = await openGate([namedRule("a.example")]);
    const host = `a.example:${origin.port}`;
    expect(await gate.talk(get(`http://${host}/`, host))).toMatch(/^HTTP\/1\.1 502 /);
    expect(gate.events.map(({ failure }) => failure)).toEqual([expect.stringMatching(/^bad response: /)]);
  },
);

test("an answer that is cut short is not made whole", async () => {
  await using origin = await openCanned("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  await using gate = await openGate([namedRule("a.example")]);
  const host = `a.example:${origin.port}`;
  expect(await gate.talk(get(`http://${host}/`, host))).toMatch(/Content-Length: 10\r\n.*\r\n\r\nhalf$/);
  expect(gate.events.map(({ failure }) => failure)).toEqual(["response cut short"]);
});

test("a limited rule allows its methods and no others", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([namedRule("a.example", { methods: ["GET", "HEAD"] })]);
  const host = `a.example:${origin.port}`;
  expect(await gate.talk(get(`http://${host}/`, host, closing))).toMatch(/^HTTP\/1\.1 200/);
  const put = `PUT http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1\r\n\r\nx`;
  expect(await gate.talk(put)).toMatch(/^HTTP\/1\.1 403 .*PUT is not among GET, HEAD for a\.example/);
  expect(origin.seen).toHaveLength(1);
});

test("a refused connection and an unknown name are told, and recorded as allowed but failed", async () => {
  await using gate = await openGate([namedRule("a.example"), flagRule("b.example")], {
    resolve: async (host) => {
      if (host === "a.example") return ["127.0.0.1"];
      throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    },
  });
  expect(await gate.talk(get("http://a.example:1/", "a.example:1"))).toMatch(
    /^HTTP\/1\.1 502 .*ECONNREFUSED[\s\S]*\r\nx-workcell-fault: a\.example:1: ECONNREFUSED\r\n/,
  );
  expect(await gate.talk(get("http://b.example/", "b.example"))).toMatch(/^HTTP\/1\.1 502 .*ENOTFOUND/);
  expect(gate.events.map(({ decision, failure }) => [decision, failure])).toEqual([
    ["allow", "ECONNREFUSED"],
    ["allow", "ENOTFOUND"],
  ]);
});

test("a head may take its time in pieces, but not for ever", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([namedRule("a.example")], { headTimeoutMs: 150 });
  const host = `a.example:${origin.port}`;
  const text = get(`http://${host}/`, host, closing);
  expect(await gate.talk(...text.split(""))).toMatch(/^HTTP\/1\.1 200/);
  expect(await gate.talk("GET http://a.exam")).toMatch(/^HTTP\/1\.1 408 .*took too long/);
});

test("close() writes the records of what is open and ends it", async () => {
  await using origin = await openOrigin(() => {});
  await using gate = await openGate([namedRule("a.example")]);
  const host = `a.example:${origin.port}`;
  const talking = gate.talk(get(`http://${host}/slow`, host));
  while (origin.seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const closing = gate.close();
  expect(gate.events.map(({ decision, subject }) => [decision, subject])).toEqual([
    ["allow", `GET http://${host}/slow`],
  ]);
  await closing;
  expect(await talking).toBe("");
  expect(gate.events).toHaveLength(1);
});

test("what a refused request is called in the records is cut to 500 characters", async () => {
  await using gate = await openGate([]);
  for (const [path, host] of [
    ["x", "h.example"],
    ["A".repeat(20_000), "h.example"],
    ["A".repeat(20_000), "other"],
  ]) {
    await gate.talk(`GET http://h.example/${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  }
  const start = "GET http://h.example/";
  const cut = `${start}${"A".repeat(478)}…`;
  expect(gate.events.map(({ subject }) => subject)).toEqual([`${start}x`, cut, cut]);
  expect(gate.denials.map(({ what }) => what)).toEqual([`${start}x`, cut]);
});
