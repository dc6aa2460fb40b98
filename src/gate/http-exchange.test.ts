import net from "node:net";
import { expect, test, vi } from "vitest";
import { listening, namedRule, openGate, openOrigin } from "../../test/helpers/gate-fixture.ts";

/** Answers once a connection and then drops it at the second request, as an origin does whose patience is over. */
function impatient(seen: string[]): net.Server {
  return net.createServer((socket) => {
    let asked = 0;
    socket.on("data", (chunk) => {
      asked += 1;
      seen.push(chunk.toString("latin1").split(" ", 1).join());
      if (asked > 1) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
}

test("a kept upstream that is dropped is replaced for a request without a body, and for no other", async () => {
  const seen: string[] = [];
  await using origin = await listening(impatient(seen));
  await using gate = await openGate([namedRule("a.example")]);
  const host = `a.example:${origin.port}`;
  const ask = (method: string, more = "\r\n") =>
    `${method} http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n${more}`;
  const answer = await gate.talk(ask("GET") + ask("GET") + ask("POST", "Content-Length: 1\r\n\r\nx"));
  expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
    "200",
    "200",
    "502",
  ]);
  expect(seen).toEqual(["GET", "GET", "GET", "POST"]);
});

test("an answer before the body's end is carried over, and ends the connection", async () => {
  await using origin = await openOrigin((_request, response) => {
    response.writeHead(413, { "content-length": "3", connection: "close" }).end("big");
  });
  await using gate = await openGate([namedRule("a.example")]);
  const host = `a.example:${origin.port}`;
  const head = `POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5000000\r\n\r\n`;
  const answer = await gate.talk(head + "x".repeat(1000));
  expect(answer).toMatch(/^HTTP\/1\.1 413 Payload Too Large\r\n[\s\S]*Connection: close\r\n\r\nbig$/);
});

test("a client that goes away ends its request at the origin", async () => {
  let gone = false;
  await using origin = await openOrigin((request, response) => {
    request.socket.on("close", () => {
      gone = true;
    });
    const timer = setInterval(() => response.write("x".repeat(1000)), 1);
    response.on("close", () => clearInterval(timer));
  });
  await using gate = await openGate([namedRule("a.example")]);
  const host = `a.example:${origin.port}`;
  const socket = net.connect({ path: gate.socket });
  socket.on("error", () => {});
  socket.write(`GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  await vi.waitFor(() => expect(gone).toBe(true), 15_000);
  await gate.close();
  expect(gate.events.map(({ failure }) => failure)).toEqual(["client gone"]);
});
