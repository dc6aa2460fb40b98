import { expect, test } from "vitest";
import { flagRule, namedRule, openGate, openOrigin } from "../../test/helpers/gate-fixture.ts";
import type { AuditEvent } from "../model/index.ts";

const rules = [namedRule("allowed.example"), namedRule("*.suffix.example")];

/** Each answered with 400 or its like and never forwarded; the control stands first. */
const heads: readonly (readonly [name: string, status: number, head: string])[] = [
  ["control", 200, "GET http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\n"],
  [
    "CL and TE",
    400,
    "POST http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
  ],
  [
    "TE twice",
    501,
    "POST http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
  ],
  [
    "TE obscured",
    501,
    "POST http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nTransfer-Encoding: xchunked\r\n",
  ],
  [
    "TE with a space before the colon",
    400,
    "POST http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nTransfer-Encoding : chunked\r\n",
  ],
  [
    "two lengths",
    400,
    "POST http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
  ],
  [
    "signed length",
    400,
    "POST http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nContent-Length: +1\r\n",
  ],
  [
    "two Hosts",
    400,
    "GET http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nHost: evil.example\r\n",
  ],
  ["another Host", 400, "GET http://allowed.example:PORT/ HTTP/1.1\r\nHost: evil.example\r\n"],
  ["Host of another port", 400, "GET http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example\r\n"],
  ["no Host", 400, "GET http://allowed.example:PORT/ HTTP/1.1\r\n"],
  [
    "obs-fold",
    400,
    "GET http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nA: b\r\n c\r\n",
  ],
  ["bare LF", 400, "GET http://allowed.example:PORT/ HTTP/1.1\nHost: allowed.example:PORT\r\n"],
  [
    "bare CR in a value",
    400,
    "GET http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nA: b\rEvil: 1\r\n",
  ],
  [
    "NUL in a value",
    400,
    "GET http://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\nA: b\0c\r\n",
  ],
  ["HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n"],
  ["origin form", 400, "GET / HTTP/1.1\r\nHost: localhost:3128\r\n"],
  ["https target", 400, "GET https://allowed.example:PORT/ HTTP/1.1\r\nHost: allowed.example:PORT\r\n"],
  [
    "user in target",
    400,
    "GET http://allowed.example@evil.example:PORT/ HTTP/1.1\r\nHost: evil.example:PORT\r\n",
  ],
  ["fragment", 400, "GET http://evil.example:PORT#.suffix.example/ HTTP/1.1\r\nHost: evil.example:PORT\r\n"],
  [
    "backslash",
    400,
    "GET http://evil.example\\.suffix.example:PORT/ HTTP/1.1\r\nHost: evil.example:PORT\r\n",
  ],
  ["percent", 400, "GET http://evil.example%00.suffix.example:PORT/ HTTP/1.1\r\nHost: evil.example:PORT\r\n"],
  ["127.1", 400, "GET http://127.1:PORT/ HTTP/1.1\r\nHost: 127.1:PORT\r\n"],
  ["hex", 400, "GET http://0x7f000001:PORT/ HTTP/1.1\r\nHost: 0x7f000001:PORT\r\n"],
  ["decimal", 400, "GET http://2130706433:PORT/ HTTP/1.1\r\nHost: 2130706433:PORT\r\n"],
  ["octal", 400, "CONNECT 0177.0.0.1:PORT HTTP/1.1\r\n"],
  ["zone", 400, "CONNECT [fe80::1%25lo]:PORT HTTP/1.1\r\n"],
  ["CONNECT without a port", 400, "CONNECT allowed.example HTTP/1.1\r\n"],
  ["CONNECT with another Host", 400, "CONNECT allowed.example:PORT HTTP/1.1\r\nHost: evil.example:PORT\r\n"],
  ["CONNECT with a body", 400, "CONNECT allowed.example:PORT HTTP/1.1\r\nContent-Length: 4\r\n"],
  ["CONNECT with a path", 400, "CONNECT http://allowed.example:PORT/ HTTP/1.1\r\n"],
  ["lookalike suffix", 403, "CONNECT evilsuffix.example:PORT HTTP/1.1\r\n"],
  ["suffix in front", 403, "CONNECT a.suffix.example.evil:PORT HTTP/1.1\r\n"],
  ["bare suffix", 403, "CONNECT suffix.example:PORT HTTP/1.1\r\n"],
  ["loopback", 403, "CONNECT 127.0.0.1:PORT HTTP/1.1\r\n"],
  ["mapped loopback", 403, "CONNECT [::ffff:127.0.0.1]:PORT HTTP/1.1\r\n"],
  ["metadata", 403, "GET http://169.254.169.254/latest/ HTTP/1.1\r\nHost: 169.254.169.254\r\n"],
];

test.each(heads)("%s is answered with %d", async (name, status, head) => {
  await using origin = await openOrigin();
  await using gate = await openGate(rules);
  const answer = await gate.talk(`${head.replaceAll("PORT", String(origin.port))}Connection: close\r\n\r\n`);
  expect(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])).toBe(status);
  expect(origin.seen).toHaveLength(name === "control" ? 1 : 0);
  expect(gate.events.map(({ decision }) => decision)).toEqual([name === "control" ? "allow" : "deny"]);
});

test("a head of more than 64 KiB, or of too many fields, is refused; one just below is taken", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate(rules);
  const host = `allowed.example:${origin.port}`;
  const ask = (more: string) =>
    gate.talk(`GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`);
  expect(await ask(`A: ${"x".repeat(70_000)}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  expect(await ask("A: b\r\n".repeat(250))).toMatch(/^HTTP\/1\.1 431 /);
  expect(await ask(`A: ${"x".repeat(10_000)}\r\n`.repeat(1))).toMatch(/^HTTP\/1\.1 200 /);
});

test("a body that a second parser would read differently ends the request", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([namedRule("allowed.example")]);
  const host = `allowed.example:${origin.port}`;
  const post = (body: string) =>
    gate.talk(`POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
  const smuggled = `0\r\n\r\nGET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n`;
  for (const body of [
    `1\nx\r\n${smuggled}`,
    `0x1\r\nx\r\n${smuggled}`,
    `-1\r\n${smuggled}`,
    `1\r\nxy\r\n${smuggled}`,
  ]) {
    expect(await post(body)).not.toMatch(/ 200 /);
  }
  expect(await post(smuggled)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*HTTP\/1\.1 403 /);
});

test("names are resolved once, every address is checked, and only what was checked is dialled", async () => {
  await using origin = await openOrigin();
  const answers: Record<string, string[][]> = {
    "rebind.example": [["8.8.8.8"], ["127.0.0.1"]],
    "mixed.example": [["169.254.169.254", "127.0.0.1"]],
    "inside.example": [["127.0.0.1"]],
    "wrapped.example": [["::ffff:127.0.0.1"]],
    "meta.example": [["169.254.169.254"]],
  };
  const resolve = async (host: string) => answers[host]?.shift() ?? [];
  const strict = [
    flagRule("inside.example"),
    flagRule("wrapped.example"),
    namedRule("mixed.example"),
    namedRule("meta.example"),
  ];
  await using gate = await openGate(strict, { resolve });
  const ask = (host: string) =>
    gate.talk(
      `GET http://${host}:${origin.port}/ HTTP/1.1\r\nHost: ${host}:${origin.port}\r\nConnection: close\r\n\r\n`,
    );
  expect(await ask("inside.example")).toMatch(
    /^HTTP\/1\.1 403 .*127\.0\.0\.1 is loopback.*--allow-host 127\.0\.0\.1/,
  );
  expect(await ask("wrapped.example")).toMatch(/^HTTP\/1\.1 403 .*127\.0\.0\.1 is loopback/);
  expect(await ask("meta.example")).toMatch(/^HTTP\/1\.1 403 .*is metadata/);
  expect(origin.seen).toHaveLength(0);
  expect(await ask("mixed.example")).toMatch(/^HTTP\/1\.1 200 /);
  expect(gate.lookups).toEqual(["inside.example", "wrapped.example", "meta.example", "mixed.example"]);
  expect(gate.events.map(({ decision, address }: AuditEvent) => [decision, address])).toEqual([
    ["deny", undefined],
    ["deny", undefined],
    ["deny", undefined],
    ["allow", "127.0.0.1"],
  ]);
});

test("the machine's own address is refused unless named", async () => {
  await using origin = await openOrigin();
  const host = `a.example:${origin.port}`;
  const text = `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await using plain = await openGate([flagRule("a.example"), flagRule("127.0.0.1:1")]);
  expect(await plain.talk(text)).toMatch(/^HTTP\/1\.1 403 /);
  await using named = await openGate([flagRule("a.example"), flagRule(`127.0.0.1:${origin.port}`)]);
  expect(await named.talk(text)).toMatch(/^HTTP\/1\.1 200 /);
});

test("control characters of a client reach neither the record nor a header", async () => {
  await using gate = await openGate(rules);
  const answer = await gate.talk("GET http://a\x1b[31m\x07b.example/ HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  const c1 = await gate.talk("BAD\x9b31m http://a.example/ HTTP/1.1\r\n\r\n");
  expect(c1).toMatch(/^HTTP\/1\.1 400 /);
  expect([answer, c1, JSON.stringify(gate.events)].join("")).not.toMatch(
    /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/,
  );
});
