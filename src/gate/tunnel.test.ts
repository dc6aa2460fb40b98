import net from "node:net";
import { expect, test } from "vitest";
import {
  flagRule,
  listening,
  namedRule,
  openCanned,
  openEcho,
  openGate,
  openOrigin,
} from "../../test/helpers/gate-fixture.ts";

const established = "HTTP/1.1 200 Connection established\r\n\r\n";

test("CONNECT joins both sides, keeps bytes sent ahead, and half-closes", async () => {
  await using echo = await openEcho();
  await using gate = await openGate([flagRule("localhost")]);
  const early = `CONNECT localhost:${echo.port} HTTP/1.1\r\nHost: localhost:${echo.port}\r\n\r\nahead`;
  const socket = net.connect({ path: gate.socket, allowHalfOpen: true });
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk.toString("latin1");
  });
  socket.write(early);
  while (!got.endsWith("ahead")) await new Promise((resolve) => setImmediate(resolve));
  socket.end(" and after");
  await new Promise((resolve) => socket.on("close", resolve));
  await gate.close();
  expect(got).toBe(`${established}ahead and after`);
  expect(gate.events).toEqual([
    {
      session: "test-session",
      cell: "1",
      kind: "connect",
      decision: "allow",
      layer: "gate",
      rule: "localhost",
      origin: "flag --allow-host",
      subject: `localhost:${echo.port}`,
      address: "127.0.0.1",
      bytesUp: 15,
      bytesDown: 15,
      durationMs: expect.any(Number),
    },
  ]);
});

test("a refused CONNECT says why in its status line, and nothing is resolved", async () => {
  await using gate = await openGate([]);
  const answer = await gate.talk("CONNECT collect.example:8443 HTTP/1.1\r\n\r\n");
  const [status] = answer.split("\r\n");
  expect(status).toBe(
    "HTTP/1.1 403 Refused by Workcell's gate: not among 0 allowed hosts. To allow it: workcell run --allow-host collect.example:8443",
  );
  const what = "connect collect.example:8443";
  expect(gate.denials.map((denial) => denial.what)).toEqual([what]);
  expect(gate.lookups).toEqual([]);
});

test("a server that speaks first is heard, and one that ends first ends the tunnel", async () => {
  await using server = await listening(net.createServer((socket) => socket.end("220 hello\r\n")));
  await using gate = await openGate([flagRule("localhost")]);
  const answer = await gate.talk(`CONNECT localhost:${server.port} HTTP/1.1\r\n\r\n`);
  expect(answer).toBe(`${established}220 hello\r\n`);
});

test("32 MiB come through whole at a slow reader's pace", async () => {
  const size = 32 * 1024 * 1024;
  const block = Buffer.alloc(size);
  for (let at = 0; at < size; at += 4) block.writeUInt32LE(at, at);
  await using server = await listening(net.createServer((socket) => socket.end(block)));
  await using gate = await openGate([flagRule("localhost")]);
  const socket = net.connect({ path: gate.socket });
  socket.write(`CONNECT localhost:${server.port} HTTP/1.1\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk);
    if (chunks.length % 64 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const got = Buffer.concat(chunks).subarray(established.length);
  await gate.close();
  expect(got.equals(block)).toBe(true);
  expect(gate.events.map(({ bytesDown }) => bytesDown)).toEqual([size]);
});

test("where methods are limited, a tunnel carries TLS and SSH, and plain requests are decided one by one", async () => {
  await using echo = await openEcho();
  await using origin = await openOrigin();
  await using gate = await openGate([namedRule("a.example", { methods: ["GET", "HEAD"] })]);
  const hello = Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).toString("latin1");
  const connect = (port: number) => `CONNECT a.example:${port} HTTP/1.1\r\n\r\n`;
  const echoed = async (bytes: string) => {
    const socket = net.connect({ path: gate.socket, allowHalfOpen: true });
    socket.end(connect(echo.port) + bytes, "latin1");
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    return Buffer.concat(chunks).toString("latin1");
  };
  expect(await echoed(hello)).toBe(established + hello);
  expect(await echoed("SSH-2.0-x\r\n")).toBe(`${established}SSH-2.0-x\r\n`);
  // To a server that takes any word for a method, these are requests, and what follows them is the next one.
  for (const word of ["SSH-A", "SSH-2.0-x"]) {
    const smuggled = `${word} / HTTP/1.1\r\nHost: a.example:${echo.port}\r\n\r\nPUT / HTTP/1.1\r\n`;
    expect(await echoed(smuggled)).toMatch(/established\r\n\r\nHTTP\/1\.1 403 .*not among GET, HEAD/);
  }
  for (const banner of ["SSH-2.0-", `SSH-2.0-${"x".repeat(300)}\r\n`, "SSH-3.0-x\r\n"])
    expect(await echoed(banner)).toMatch(/established\r\n\r\nHTTP\/1\.1 400 /);

  const plain = (method: string, host: string) =>
    `${method} / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
  const host = `a.example:${origin.port}`;
  expect(await gate.talk(connect(origin.port) + plain("GET", host))).toMatch(
    /established\r\n\r\nHTTP\/1\.1 200 OK/,
  );
  expect(await gate.talk(connect(origin.port) + plain("PUT", host))).toMatch(
    /established\r\n\r\nHTTP\/1\.1 403 /,
  );
  expect(await gate.talk(connect(origin.port) + plain("GET", "b.example"))).toMatch(
    /\r\n\r\nHTTP\/1\.1 400 /,
  );
  expect(await gate.talk(`${connect(origin.port)}\r\nPUT / HTTP/1.1\r\n\r\n`)).toMatch(
    /\r\n\r\nHTTP\/1\.1 400 /,
  );
  expect(origin.seen).toHaveLength(1);

  await using open = await openGate([namedRule("a.example")]);
  expect(await open.talk(connect(origin.port) + plain("PUT", host))).toMatch(
    /established\r\n\r\nHTTP\/1\.1 200 OK/,
  );
});

test("a chained CONNECT inside a limited tunnel is refused", async () => {
  await using origin = await openOrigin();
  await using gate = await openGate([namedRule("a.example", { methods: ["GET"] })]);
  const connect = `CONNECT a.example:${origin.port} HTTP/1.1\r\n\r\n`;
  expect(await gate.talk(connect + connect)).toMatch(/established\r\n\r\nHTTP\/1\.1 400 /);
});

test("close() ends a tunnel and writes its record with the bytes so far", async () => {
  await using echo = await openEcho();
  await using gate = await openGate([flagRule("localhost")]);
  const socket = net.connect({ path: gate.socket });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write(`CONNECT localhost:${echo.port} HTTP/1.1\r\n\r\nping`);
  await new Promise<void>((resolve) => {
    let got = "";
    socket.on("data", (chunk) => {
      got += chunk.toString("latin1");
      if (got.endsWith("ping")) resolve();
    });
  });
  await gate.close();
  await closed;
  expect(gate.events.map(({ bytesUp, bytesDown }) => [bytesUp, bytesDown])).toEqual([[4, 4]]);
});

test("an address that the check refuses is told to a CONNECT, too", async () => {
  await using origin = await openCanned("");
  await using gate = await openGate([flagRule("a.example")]);
  const answer = await gate.talk(`CONNECT a.example:${origin.port} HTTP/1.1\r\n\r\n`);
  expect(answer).toMatch(
    /^HTTP\/1\.1 403 .*a\.example resolves to a refused address: 127\.0\.0\.1 is loopback/,
  );
  expect(gate.events.map(({ decision }) => decision)).toEqual(["deny"]);
  expect(gate.denials).toHaveLength(1);
});
