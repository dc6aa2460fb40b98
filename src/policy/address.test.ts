import fc from "fast-check";
import { expect, test } from "vitest";
import { inBlock, parseAddress, parseAddressBlock } from "./address.ts";
import { rangeOf } from "./address-range.ts";

const text = (spelled: string) => parseAddress(spelled)?.text;

test("parseAddress() gives one canonical text, and IPv4 for IPv4 mapped into IPv6", () => {
  const spelled = {
    "192.0.2.7": "192.0.2.7",
    "2001:DB8:0:0:0:0:0:1": "2001:db8::1",
    "2001:db8::0001": "2001:db8::1",
    "1:0:0:2:0:0:0:3": "1:0:0:2::3",
    "1:0:2:3:4:5:6:7": "1:0:2:3:4:5:6:7",
    "::": "::",
    "1::": "1::",
    "::1": "::1",
    "::ffff:127.0.0.1": "127.0.0.1",
    "::FFFF:7f00:1": "127.0.0.1",
    "64:ff9b::127.0.0.1": "64:ff9b::7f00:1",
  };
  const read = Object.fromEntries(Object.keys(spelled).map((key) => [key, text(key)]));
  expect(read).toEqual(spelled);
});

test("parseAddress() refuses every spelling that two programs could read differently", () => {
  const odd = ["127.1", "127.0.0.01", "0x7f.0.0.1", "0x7f000001", "2130706433", "0177.0.0.1", "256.0.0.1"];
  const odder = ["1.2.3.4.", " 1.2.3.4", "1.2.3", "", "1.2.3.4.5", "１.2.3.4", "fe80::1%eth0", "[::1]"];
  const broken = [
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::1::",
    "12345::",
    "1.2.3.4::",
    "::1.2.3.4:5",
    ":1",
  ];
  const all = [...odd, ...odder, ...broken, "1:2:3:4:5:6:7::8", "g::", ":"];
  expect(all.filter((spelled) => text(spelled) !== undefined)).toEqual([]);
});

test("parseAddress() reads its own text back to the same bytes", () => {
  const bytes = fc.oneof(
    fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }).map((four) => four.join(".")),
    fc
      .array(fc.oneof(fc.constant(0), fc.nat(65535)), { minLength: 8, maxLength: 8 })
      .map((groups) => groups.map((group) => group.toString(16)).join(":")),
  );
  fc.assert(
    fc.property(bytes, (spelled) => {
      const once = parseAddress(spelled);
      expect(parseAddress(once?.text ?? "")).toEqual(once);
    }),
  );
});

test("inBlock() compares exactly the leading bits", () => {
  const holds = (block: string, address: string) => {
    const parsed = [parseAddress(address), parseAddressBlock(block)] as const;
    if (parsed[0] === undefined || parsed[1] === undefined) throw new TypeError("bad test");
    return inBlock(parsed[0], parsed[1]);
  };
  expect([
    holds("172.16.0.0/12", "172.31.255.255"),
    holds("172.16.0.0/12", "172.32.0.0"),
    holds("0.0.0.0/0", "203.0.113.1"),
    holds("0.0.0.0/0", "::1"),
    holds("fc00::/7", "fdff::"),
    holds("fc00::/7", "fe00::"),
    holds("192.0.2.1", "192.0.2.1"),
    holds("192.0.2.1", "192.0.2.2"),
  ]).toEqual([true, false, true, false, true, false, true, false]);
});

test("parseAddressBlock() refuses lengths that do not fit", () => {
  const bad = ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "10.0.0.0/08", "host/8", "10.0.0.0/-1"];
  expect(bad.filter((block) => parseAddressBlock(block) !== undefined)).toEqual([]);
});

test("rangeOf() knows what each address is for, wrapped in IPv6 or not", () => {
  const ranges = {
    "8.8.8.8": "public",
    "2606:4700::1111": "public",
    "64:ff9b::8.8.8.8": "public",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "::ffff:127.0.0.1": "loopback",
    "64:ff9b::127.0.0.1": "loopback",
    "2002:7f00:1::": "loopback",
    "::127.0.0.1": "loopback",
    "::ffff:0:127.0.0.1": "loopback",
    "10.1.2.3": "private",
    "172.20.0.1": "private",
    "192.168.1.1": "private",
    "fd12::1": "private",
    "fec0::1": "private",
    "64:ff9b:1::1": "private",
    "64:ff9b::10.0.0.1": "private",
    "100.64.0.1": "shared",
    "169.254.1.1": "link-local",
    "fe80::1": "link-local",
    "169.254.169.254": "metadata",
    "64:ff9b::169.254.169.254": "metadata",
    "2002:a9fe:a9fe::1": "metadata",
    "100.100.100.200": "metadata",
    "168.63.129.16": "metadata",
    "fd00:ec2::254": "metadata",
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "::": "unspecified",
    "224.0.0.1": "multicast",
    "ff02::1": "multicast",
    "255.255.255.255": "broadcast",
    "240.0.0.1": "reserved",
    "192.0.0.8": "reserved",
    "2002:808:808::": "reserved",
    "2001::1": "reserved",
    "100::1": "reserved",
    "4000::1": "reserved",
    "192.0.2.1": "documentation",
    "198.51.100.1": "documentation",
    "203.0.113.80": "documentation",
    "2001:db8::1": "documentation",
    "198.18.0.1": "benchmark",
  };
  const found = Object.fromEntries(
    Object.keys(ranges).map((spelled) => {
      const address = parseAddress(spelled);
      return [spelled, address === undefined ? "unreadable" : rangeOf(address)];
    }),
  );
  expect(found).toEqual(ranges);
});

test("rangeOf() gives every address exactly one answer, and the same for IPv4 however it is wrapped", () => {
  fc.assert(
    fc.property(fc.ipV4(), (four) => {
      const range = (text: string) => {
        const address = parseAddress(text);
        return address === undefined ? "unreadable" : rangeOf(address);
      };
      expect(range(`::ffff:${four}`)).toBe(range(four));
      expect(range(`64:ff9b::${four}`)).toBe(range(four));
    }),
  );
});
