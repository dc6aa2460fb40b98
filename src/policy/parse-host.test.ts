import fc from "fast-check";
import { expect, test } from "vitest";
import { authorityText, parseAuthority, parseHost } from "./parse-host.ts";

test("parseHost() reads names and addresses into one spelling", () => {
  const read = [
    "Registry.Example",
    "registry.example.",
    "_srv.example",
    "xn--bcher-kva.example",
    "localhost",
  ];
  const addresses = ["192.0.2.7", "[::1]", "::1", "[::ffff:127.0.0.1]", "[2001:DB8::0]"];
  expect([...read, ...addresses].map((spelled) => parseHost(spelled))).toEqual([
    { ok: true, kind: "name", host: "registry.example" },
    { ok: true, kind: "name", host: "registry.example" },
    { ok: true, kind: "name", host: "_srv.example" },
    { ok: true, kind: "name", host: "xn--bcher-kva.example" },
    { ok: true, kind: "name", host: "localhost" },
    { ok: true, kind: "address", host: "192.0.2.7" },
    { ok: true, kind: "address", host: "::1" },
    { ok: true, kind: "address", host: "::1" },
    { ok: true, kind: "address", host: "127.0.0.1" },
    { ok: true, kind: "address", host: "2001:db8::" },
  ]);
});

const attacks: Record<string, string> = {
  "": "the host is empty",
  "127.1": "the host is an ambiguous number form",
  "0x7f000001": "the host is an ambiguous number form",
  "0x7f.0.0.1": "the host is an ambiguous number form",
  "2130706433": "the host is an ambiguous number form",
  "0177.0.0.1": "the host is an ambiguous number form",
  "127.0.0.0x1": "the host is an ambiguous number form",
  "127.0.0.1.": "the host is an ambiguous number form",
  "1.2.3.999": "the host is an ambiguous number form",
  "evil.example\0.allowed.example": "the host holds the character U+0000",
  "a\r\nb.example": "the host holds the character U+000D",
  "a\nb.example": "the host holds the character U+000A",
  "a b.example": "the host holds the character U+0020",
  "a\tb.example": "the host holds the character U+0009",
  "user@allowed.example": "the host holds the character @",
  "evil.example#.allowed.example": "the host holds the character #",
  "evil.example%00.allowed.example": "the host holds the character %",
  "evil.example\\.allowed.example": "the host holds the character \\",
  "evil.example/.allowed.example": "the host holds the character /",
  "evil.example?.allowed.example": "the host holds the character ?",
  "*.example": "the host holds the character *",
  "allowed。example": "the host holds the character U+3002",
  "allowed．example": "the host holds the character U+FF0E",
  "ａllowed.example": "the host holds the character U+FF41",
  "b\u00fccher.example": "the host holds the character U+00FC",
  "a..example": "the host has an empty label",
  ".example": "the host has an empty label",
  "example..": "the host has an empty label",
  ".": "the host has an empty label",
  "-a.example": "the host has a label with a hyphen at its end",
  "[fe80::1%25eth0]": "the address has a zone",
  "fe80::1%eth0": "the address has a zone",
  "[127.0.0.1]": "the host is no IPv6 address",
  "[::1": "the host is no IPv6 address",
  "a:b": "the host is no IPv6 address",
  [`${"a".repeat(64)}.example`]: "the host has a label of more than 63 characters",
  [`${"a.".repeat(127)}b`]: "the host is longer than 253 characters",
  [`${"a.".repeat(200)}b`]: "the host is longer than 255 characters",
};

test.each(Object.entries(attacks))("parseHost() refuses %j", (host, reason) => {
  expect(parseHost(host)).toEqual({ ok: false, reason });
});

test("parseHost() is settled after once: what it gives, it reads as the same", () => {
  const label = fc.string({ unit: fc.constantFrom(..."aZ09-_.:[]x%*/@ \0\n"), maxLength: 40 });
  fc.assert(
    fc.property(fc.oneof(label, fc.domain(), fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
      const once = parseHost(text);
      if (!once.ok) return;
      expect(parseHost(once.host)).toEqual(once);
      expect(once.host).toMatch(/^([a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]+)$/);
    }),
    { numRuns: 2000 },
  );
});

test("parseAuthority() splits host and port once", () => {
  expect(parseAuthority("a.example:8080")).toEqual({ ok: true, kind: "name", host: "a.example", port: 8080 });
  expect(parseAuthority("[::1]:443")).toEqual({ ok: true, kind: "address", host: "::1", port: 443 });
  expect(parseAuthority("a.example", 80)).toEqual({ ok: true, kind: "name", host: "a.example", port: 80 });
  const bad = ["a.example", "a.example:", "a.example:0", "a.example:65536", "a.example:+80", "a.example:080"];
  const worse = [
    "a.example:80:90",
    "::1:80",
    "a.example:80@b.example:80",
    "[::1]x:80",
    "a.example: 80",
    ":80",
  ];
  expect([...bad, ...worse].filter((text) => parseAuthority(text).ok)).toEqual([]);
});

test("authorityText() brackets IPv6 and leaves out the usual port", () => {
  expect([
    authorityText("a.example", 80, 80),
    authorityText("a.example", 81, 80),
    authorityText("::1", 80, 80),
  ]).toEqual(["a.example", "a.example:81", "[::1]"]);
});
