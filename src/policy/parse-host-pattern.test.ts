import fc from "fast-check";
import { expect, test } from "vitest";
import { WorkcellError } from "../errors/index.ts";
import { matchesHost } from "./may-connect.ts";
import { parseHostPattern } from "./parse-host-pattern.ts";

const origin = "flag --allow-host";

test("parseHostPattern() reads each form into its canonical spelling", () => {
  const spelled = [
    "Registry.Example.",
    "*.Example.com:8443",
    "192.0.2.1:80",
    "[2001:DB8::0001]:443",
    "::1",
    "[::1]",
  ];
  expect(spelled.map((text) => parseHostPattern(text, origin))).toEqual([
    { kind: "name", host: "registry.example", port: undefined, text: "registry.example" },
    { kind: "suffix", suffix: "example.com", port: 8443, text: "*.example.com:8443" },
    { kind: "address", address: "192.0.2.1", port: 80, text: "192.0.2.1:80" },
    { kind: "address", address: "2001:db8::1", port: 443, text: "[2001:db8::1]:443" },
    { kind: "address", address: "::1", port: undefined, text: "[::1]" },
    { kind: "address", address: "::1", port: undefined, text: "[::1]" },
  ]);
});

const refusals: Record<string, string> = {
  "": "it is empty",
  "*": "it matches everything",
  "*:443": "it matches everything",
  "a.*.example": "* may stand only in front, as *.suffix",
  "*example.com": "* may stand only in front, as *.suffix",
  "*.*.example": "* may stand only in front, as *.suffix",
  "*.": "the host is empty",
  "*.127.0.0.1": "an address has no sub-domains",
  "*.1": "the host is an ambiguous number form",
  "a..example": "the host has an empty label",
  ".example": "the host has an empty label",
  "https://a.example": "it has a scheme",
  "a.example/path": "it has a path",
  "user@a.example": "it has a user name",
  "a b.example": "it holds a space or a control character",
  "a.example\n": "it holds a space or a control character",
  "b\u00fccher.example": "it holds a character outside ASCII",
  "a.example:0": '"0" is no port',
  "a.example:65536": '"65536" is no port',
  "a.example:": '"" is no port',
  "2001:db8::1:443:x": "it has more than one colon",
  "[fe80::1%eth0]": "the address has a zone",
  "127.1": "the host is an ambiguous number form",
  "2130706433": "the host is an ambiguous number form",
  "0x7f000001": "the host is an ambiguous number form",
  "0177.0.0.1": "the host is an ambiguous number form",
  "0.0.0.0": "no connection can go to it (unspecified address)",
  "[ff02::1]": "no connection can go to it (multicast address)",
};

test.each(Object.entries(refusals))("parseHostPattern() refuses %j and says why", (text, found) => {
  const refusal = (() => {
    try {
      return parseHostPattern(text, origin);
    } catch (error) {
      return error;
    }
  })();
  if (!(refusal instanceof WorkcellError)) throw new TypeError(`accepted: ${JSON.stringify(refusal)}`);
  expect([refusal.code, refusal.message, refusal.details]).toEqual([
    "WC_HOST_PATTERN",
    `Cannot use host pattern ${JSON.stringify(text)} (${origin}): ${found}`,
    { value: text, origin },
  ]);
  expect(refusal.remedy).toMatch(/^(Write|Name) /);
});

test("parseHostPattern() reads its own text back to the same pattern, or refuses with a Workcell error", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(..."aZ09-_.:[]*/@ \0"), maxLength: 30 }),
    fc
      .tuple(fc.constantFrom("", "*."), fc.domain(), fc.constantFrom("", ":1", ":65535"))
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (spelled) => {
      try {
        const once = parseHostPattern(spelled, origin);
        expect(parseHostPattern(once.text, origin)).toEqual(once);
      } catch (error) {
        expect(error).toBeInstanceOf(WorkcellError);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a suffix matches sub-domains on a label's border, and nothing else", () => {
  const pattern = parseHostPattern("*.example.com", origin);
  const matches = (host: string) => matchesHost(pattern, { host, port: 443 });
  expect(["a.example.com", "a.b.example.com"].map(matches)).toEqual([true, true]);
  const near = ["example.com", "evilexample.com", "a.example.com.evil", "example.com.a", "a.example.org"];
  expect(near.filter(matches)).toEqual([]);
  fc.assert(
    fc.property(fc.domain(), fc.domain(), (suffix, host) => {
      const wild = parseHostPattern(`*.${suffix}`, origin);
      expect(matchesHost(wild, { host: `${host.toLowerCase()}.${suffix.toLowerCase()}`, port: 1 })).toBe(
        true,
      );
      expect(matchesHost(wild, { host: `x${suffix.toLowerCase()}`, port: 1 })).toBe(false);
    }),
  );
});
