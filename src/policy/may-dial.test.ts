import { expect, test } from "vitest";
import type { HostRule } from "../model/index.ts";
import { mayDial } from "./may-dial.ts";
import { parseHostPattern } from "./parse-host-pattern.ts";

const origin = "flag --allow-host";

function rule(text: string, more: Partial<HostRule> = {}): HostRule {
  return { effect: "allow", pattern: parseHostPattern(text, origin), origin, named: false, ...more };
}

function dial(
  rules: readonly HostRule[],
  host: string,
  address: string,
  ownAddresses: readonly string[] = [],
) {
  return mayDial({ rules }, { asked: { host, port: 80 }, address, ownAddresses });
}

const special = [
  "127.0.0.1",
  "::1",
  "10.0.0.1",
  "100.64.0.1",
  "fd00::1",
  "203.0.113.80",
  "198.18.0.1",
  "240.0.0.1",
];
const never = [
  "169.254.169.254",
  "fd00:ec2::254",
  "100.100.100.200",
  "169.254.0.1",
  "fe80::1",
  "0.0.0.0",
  "::",
  "224.0.0.1",
];
const wrapped = ["::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::"];

test("mayDial() allows a public address", () => {
  expect(dial([rule("a.example")], "a.example", "8.8.8.8")).toEqual({
    decision: "allow",
    layer: "gate",
    rule: "8.8.8.8 is public",
    origin: "built in",
  });
});

test("mayDial() refuses every special address of a host that was only allowed", () => {
  const may = [...special, ...never, ...wrapped].filter(
    (address) => dial([rule("a.example")], "a.example", address).decision === "allow",
  );
  expect(may).toEqual([]);
  expect(dial([rule("a.example")], "a.example", "10.0.0.1")).toEqual({
    decision: "deny",
    layer: "gate",
    rule: "a.example resolves to a refused address: 10.0.0.1 is private",
    origin: "built in",
    remedy: "workcell run --allow-host 10.0.0.1",
  });
});

test("mayDial() lets a tool's own configuration name private hosts, but never metadata and its like", () => {
  const rules = [rule("a.example", { named: true, methods: ["GET"] })];
  const may = (address: string) => dial(rules, "a.example", address).decision === "allow";
  expect([...special, ...wrapped].filter((address) => !may(address))).toEqual([]);
  expect(never.filter(may)).toEqual([]);
  expect(dial(rules, "b.example", "10.0.0.1").decision).toBe("deny");
});

test("mayDial() lets a rule for an address name that address, at its port", () => {
  const may = (text: string, address: string) => dial([rule(text)], address, address).decision;
  expect([
    may("10.0.0.1", "10.0.0.1"),
    may("10.0.0.1:80", "10.0.0.1"),
    may("169.254.169.254", "169.254.169.254"),
  ]).toEqual(["allow", "allow", "allow"]);
  expect([may("10.0.0.1:81", "10.0.0.1"), may("10.0.0.1", "10.0.0.2")]).toEqual(["deny", "deny"]);
  expect(dial([rule("[::ffff:127.0.0.1]")], "127.0.0.1", "::ffff:127.0.0.1").decision).toBe("allow");
});

test("mayDial() lets exactly localhost name loopback, and only that", () => {
  const may = (text: string, host: string, address: string) => dial([rule(text)], host, address).decision;
  expect([may("localhost", "localhost", "127.0.0.1"), may("localhost", "localhost", "::1")]).toEqual([
    "allow",
    "allow",
  ]);
  expect([
    may("localhost", "localhost", "10.0.0.1"),
    may("localhost", "localhost", "2002:7f00:1::"),
    may("localhost:81", "localhost", "127.0.0.1"),
    may("*.localhost", "a.localhost", "127.0.0.1"),
  ]).toEqual(["deny", "deny", "deny", "deny"]);
  expect(dial([], "localhost", "127.0.0.1").remedy).toBe("workcell run --allow-host localhost");
});

test("mayDial() refuses the machine's own public address unless it is named", () => {
  expect(dial([rule("a.example")], "a.example", "8.8.8.8", ["8.8.8.8"])).toEqual({
    decision: "deny",
    layer: "gate",
    rule: "a.example resolves to a refused address: 8.8.8.8 is this machine",
    origin: "built in",
    remedy: "workcell run --allow-host 8.8.8.8",
  });
  expect(dial([rule("8.8.8.8")], "8.8.8.8", "8.8.8.8", ["8.8.8.8"]).decision).toBe("allow");
});

test("mayDial() refuses a denied address by whatever name, and what is no address", () => {
  const rules = [rule("a.example"), rule("8.8.8.8", { effect: "deny" })];
  expect(dial(rules, "a.example", "8.8.8.8").rule).toBe(
    "a.example resolves to a refused address: deny 8.8.8.8",
  );
  expect(dial(rules, "a.example", "8.8.4.4").decision).toBe("allow");
  expect(dial(rules, "a.example", "nonsense").decision).toBe("deny");
});
