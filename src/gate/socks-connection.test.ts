import fc from "fast-check";
import { expect, test } from "vitest";
import { flagRule, namedRule, openEcho, openGate, openOrigin } from "../../test/helpers/gate-fixture.ts";
import { readGreeting, readRequest } from "./socks-message.ts";

const greeting = "\x05\x01\x00";
const port = (number: number) => String.fromCharCode(number >> 8, number & 255);
const byName = (host: string, to: number, command = 1) =>
  `\x05${String.fromCharCode(command)}\x00\x03${String.fromCharCode(host.length)}${host}${port(to)}`;
const said = (code: number) => `\x05\x00\x05${String.fromCharCode(code)}\x00\x01\0\0\0\0\0\0`;
const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

test("CONNECT by name, IPv4 and IPv6 joins both sides, in any pieces", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([flagRule("localhost"), flagRule("127.0.0.1")]);
  const requests = [
    byName("localhost", origin.port),
    `\x05\x01\x00\x01\x7f\0\0\x01${port(origin.port)}`,
    `\x05\x01\x00\x04${"\0".repeat(10)}\xff\xff\x7f\0\0\x01${port(origin.port)}`,
  ];
  for (const request of requests) {
    const answer = await gate.talk(...`${greeting}${request}${get("x")}`.split(""));
    expect(answer.startsWith(`${said(0)}HTTP/1.1 200 OK`)).toBe(true);
  }
  await gate.close();
  expect(gate.events.map(({ kind, subject, address }) => [kind, subject, address])).toEqual([
    ["connect", `localhost:${origin.port}`, "127.0.0.1"],
    ["connect", `127.0.0.1:${origin.port}`, "127.0.0.1"],
    ["connect", `127.0.0.1:${origin.port}`, "127.0.0.1"],
  ]);
});

test("what is not allowed is refused with 2, unresolved, and a failure with its own code", async () => {
  await using gate = await openGate([namedRule("a.example")]);
  expect(await gate.talk(greeting + byName("collect.example", 80))).toBe(said(2));
  expect(gate.lookups).toEqual([]);
  expect(gate.denials.map(({ what }) => what)).toEqual(["connect collect.example:80"]);
  expect(await gate.talk(greeting + byName("a.example", 1))).toBe(said(5));
  await using strict = await openGate([flagRule("a.example")]);
  expect(await strict.talk(greeting + byName("a.example", 80))).toBe(said(2));
  await using lost = await openGate([flagRule("a.example")], { resolve: async () => [] });
  expect(await lost.talk(greeting + byName("a.example", 80))).toBe(said(4));
});

test("BIND, UDP ASSOCIATE, passwords only, other kinds of address and SOCKS4 are refused", async () => {
  await using echo = await openEcho();
  await using gate = await openGate([flagRule("localhost")]);
  expect(await gate.talk(greeting + byName("localhost", echo.port, 2))).toBe(said(7));
  expect(await gate.talk(greeting + byName("localhost", echo.port, 3))).toBe(said(7));
  expect(await gate.talk("\x05\x01\x02")).toBe("\x05\xff");
  expect(await gate.talk(`${greeting}\x05\x01\x00\x02\0\0\0\0\0\0`)).toBe(said(8));
  expect(await gate.talk(`${greeting}\x04\x01\x00\x01\0\0\0\0\0\0`)).toBe(said(1));
  expect(await gate.talk(`\x04\x01${port(echo.port)}\0\0\0\x01\0localhost\0`)).toBe("\0\x5b\0\0\0\0\0\0");
  expect(gate.events.map(({ decision }) => decision)).toEqual(new Array(6).fill("deny"));
});

const hosts = [
  "evil\0.allowed.example",
  "a\r\nb",
  "127.1",
  "0x7f000001",
  "2130706433",
  "fe80::1%lo",
  "a b",
  "a@b",
  "a%00b",
  "a\\b",
  "",
];

test.each(hosts)("the host %j is refused, where its plain control is served", async (host) => {
  await using origin = await openOrigin();
  await using gate = await openGate([namedRule("*.allowed.example"), flagRule("localhost")]);
  expect(await gate.talk(greeting + byName(host, origin.port))).toBe(said(2));
  const control = await gate.talk(greeting + byName("x.allowed.example", origin.port) + get("x"));
  expect(control).toContain("HTTP/1.1 200 OK");
  expect(gate.lookups).toEqual(["x.allowed.example"]);
  expect(JSON.stringify(gate.events)).not.toMatch(/[\x00-\x1f]/);
});

test("plain HTTP to a host of limited methods is decided request by request", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([namedRule("a.example", { methods: ["GET"] })]);
  const open = greeting + byName("a.example", origin.port);
  const host = `a.example:${origin.port}`;
  expect(await gate.talk(open + get(host))).toContain("HTTP/1.1 200 OK");
  expect(await gate.talk(open + get(host).replace("GET", "PUT"))).toContain("HTTP/1.1 403 ");
  expect(origin.seen).toHaveLength(1);
});

test("a greeting that never ends is cut off", async () => {
  await using gate = await openGate([], { headTimeoutMs: 50 });
  expect(await gate.talk("\x05\x02\x00")).toBe("");
});

test("readRequest() answers any bytes, and the same for every split of them", () => {
  const valid = Buffer.from(byName("a.example", 443), "latin1");
  const mutated = fc
    .tuple(fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(300))
    .map(([changes, length]) => {
      const bytes = Buffer.concat([valid, Buffer.alloc(300)]).subarray(0, length);
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 }).map(Buffer.from)), (bytes) => {
      const whole = readRequest(bytes);
      for (let length = 0; length < bytes.length; length += 1) {
        const part = readRequest(bytes.subarray(0, length));
        if (part.state !== "more") expect(part).toEqual(whole);
      }
      if (whole.state === "done") expect(whole.value.host).toMatch(/^[a-z0-9._:-]+$/);
      expect(["more", "done"]).toContain(readGreeting(bytes).state);
    }),
    { numRuns: 500 },
  );
});
