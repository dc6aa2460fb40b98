import fc from "fast-check";
import { expect, test } from "vitest";
import { endToEnd, requestFraming, responseFraming } from "./http-framing.ts";
import { HeadCollector, parseRequestHead, parseResponseHead } from "./http-head.ts";
import { requestTarget } from "./http-target.ts";

function collect(pieces: readonly Buffer[]) {
  const collector = new HeadCollector();
  for (const [index, piece] of pieces.entries()) {
    const collected = collector.push(piece);
    if (collected === undefined) continue;
    if (!collected.ok) return collected;
    const rest = Buffer.concat([collected.rest, ...pieces.slice(index + 1)]);
    return { ok: true, lines: collected.lines, rest: rest.toString("latin1") };
  }
  return undefined;
}

const sample = "GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nX-A:  b\t\r\n\r\nbody\r\n\r\n";

test("a head reads the same however it is cut into pieces", () => {
  const whole = collect([Buffer.from(sample)]);
  expect(whole).toEqual({
    ok: true,
    lines: ["GET http://a.example/x?y HTTP/1.1", "Host: a.example", "X-A:  b\t"],
    rest: "body\r\n\r\n",
  });
  fc.assert(
    fc.property(fc.array(fc.nat(sample.length), { maxLength: 20 }), (cuts) => {
      const ends = [...cuts, sample.length].sort((one, other) => one - other);
      const pieces = ends.map((end, index) => Buffer.from(sample.slice(ends[index - 1] ?? 0, end)));
      expect(collect(pieces)).toEqual(whole);
    }),
  );
});

test("parseRequestHead() and parseResponseHead() keep what they were given", () => {
  expect(
    parseRequestHead(["GET http://a.example/ HTTP/1.0", "Host:a.example", "X-A:  b\t", "Empty:"]),
  ).toEqual({
    ok: true,
    head: {
      method: "GET",
      target: "http://a.example/",
      version: "1.0",
      headers: [
        { name: "Host", value: "a.example" },
        { name: "X-A", value: "b" },
        { name: "Empty", value: "" },
      ],
    },
  });
  expect(parseResponseHead(["HTTP/1.1 404 Not Found"])).toEqual({
    ok: true,
    head: { version: "1.1", status: 404, reason: "Not Found", headers: [] },
  });
  expect(parseResponseHead(["HTTP/1.1 204"])).toMatchObject({ ok: true, head: { status: 204, reason: "" } });
});

test("whatever mutation of a head is taken, nothing of it can begin a line of its own", () => {
  const characters = fc.constantFrom(
    "\r",
    "\n",
    "\r\n",
    "\0",
    " ",
    "\t",
    ":",
    "\x7f",
    "\x80",
    "/",
    "@",
    "#",
    "a",
    "",
  );
  const edits = fc.array(fc.tuple(fc.nat(sample.length), fc.nat(3), characters), { maxLength: 5 });
  fc.assert(
    fc.property(edits, (changes) => {
      const text = changes.reduce(
        (now, [at, cut, put]) => now.slice(0, at) + put + now.slice(at + cut),
        sample,
      );
      const collected = collect([Buffer.from(text, "latin1")]);
      if (collected?.ok !== true || !("lines" in collected)) return;
      const parsed = parseRequestHead(collected.lines);
      if (!parsed.ok) return;
      const { method, target, headers } = parsed.head;
      const fields = headers.flatMap(({ name, value }) => [name, value]);
      expect([method, target, ...fields].join("")).not.toMatch(/[\r\n\0]/);
      expect(`${method}${target}`).toMatch(/^[\x21-\x7e]+$/);
      const aimed = requestTarget(parsed.head);
      if (aimed.ok) expect(aimed.target.host).toMatch(/^[a-z0-9._:-]+$/);
    }),
    { numRuns: 3000 },
  );
});

test("an upstream's malformed field is said without its name, which may be the credential", () => {
  const parsed = parseResponseHead(["HTTP/1.1 200 OK", "x-sk-real: a\x01b"]);
  expect(parsed).toMatchObject({ ok: false, reason: "a header field holds a control character" });
});

test("framing is stated once or refused", () => {
  const header = (name: string, value: string) => ({ name, value });
  const framing = (...headers: { name: string; value: string }[]) =>
    requestFraming({ method: "POST", target: "/", version: "1.1", headers });
  expect(framing()).toEqual({ ok: true, framing: { kind: "none" } });
  expect(framing(header("Content-Length", "7"))).toEqual({
    ok: true,
    framing: { kind: "length", length: 7 },
  });
  expect(framing(header("content-length", "7"), header("Content-Length", "7"))).toMatchObject({ ok: true });
  expect(framing(header("transfer-encoding", "Chunked"))).toEqual({ ok: true, framing: { kind: "chunked" } });
  const refused = [
    framing(header("Content-Length", "7"), header("Content-Length", "8")),
    framing(header("Content-Length", "7, 7")),
    framing(header("Content-Length", "0x7")),
    framing(header("Content-Length", "")),
    framing(header("Content-Length", "9".repeat(16))),
    framing(header("Transfer-Encoding", "chunked"), header("Content-Length", "7")),
    framing(header("Transfer-Encoding", "gzip, chunked")),
    framing(header("Transfer-Encoding", "chunked, identity")),
  ];
  expect(refused.map(({ ok }) => ok)).toEqual(refused.map(() => false));
  const answer = { version: "1.1", status: 200, reason: "", headers: [] } as const;
  expect(responseFraming(answer, "GET")).toEqual({ ok: true, framing: { kind: "close" } });
  expect(responseFraming(answer, "HEAD")).toEqual({ ok: true, framing: { kind: "none" } });
});

test("endToEnd() leaves out what concerns one connection, a proxy, or the gate", () => {
  const names = [
    "Accept",
    "Connection",
    "X-Mine",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Upgrade",
    "Proxy-Authorization",
  ];
  const more = [
    "Proxy-Connection",
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "X-Workcell-Denied",
    "Cookie",
  ];
  const headers = [...names, ...more].map((name) => ({
    name,
    value: name === "Connection" ? "close, x-mine" : "v",
  }));
  expect(endToEnd(headers).map(({ name }) => name)).toEqual(["Accept", "Cookie"]);
});
