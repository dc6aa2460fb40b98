import { expect, test } from "vitest";
import type { HostRule } from "../model/index.ts";
import { mayConnect } from "./may-connect.ts";
import { parseHostPattern } from "./parse-host-pattern.ts";

function rule(text: string, more: Partial<HostRule> = {}): HostRule {
  const origin = more.origin ?? "flag --allow-host";
  return { effect: "allow", pattern: parseHostPattern(text, origin), origin, named: false, ...more };
}

const npm = rule("registry.example", {
  origin: "profile cowork, preset npm",
  methods: ["GET", "HEAD"],
  named: true,
});
const deny = { effect: "deny", origin: "settings /etc/x" } as const;

test("mayConnect() allows nothing with an empty list", () => {
  expect(mayConnect({ rules: [] }, { host: "collect.example", port: 80 })).toEqual({
    decision: "deny",
    layer: "gate",
    rule: "not among 0 allowed hosts",
    origin: "built in",
    remedy: "workcell run --allow-host collect.example",
    rules: [],
  });
});

test("mayConnect() names what it compared, and the port where it is not usual", () => {
  expect(mayConnect({ rules: [npm] }, { host: "collect.example", port: 8080 })).toEqual({
    decision: "deny",
    layer: "gate",
    rule: "not among 1 allowed host (profile cowork, preset npm)",
    origin: "profile cowork, preset npm",
    remedy: "workcell run --allow-host collect.example:8080",
    rules: [],
  });
});

test("mayConnect() counts hosts once and lists every origin", () => {
  const rules = [npm, npm, rule("a.example"), rule("b.example"), rule("c.example", deny)];
  const answer = mayConnect({ rules }, { host: "x.example", port: 443 });
  expect(answer.rule).toBe("not among 3 allowed hosts (profile cowork, preset npm; flag --allow-host)");
});

test("mayConnect() says the presets of one source together", () => {
  const pip = { ...rule("pip.example"), origin: "profile cowork, preset pip" };
  const answer = mayConnect({ rules: [npm, pip, rule("a.example")] }, { host: "x.example", port: 443 });
  expect(answer.origin).toBe("profile cowork, presets npm, pip; flag --allow-host");
});

test("mayConnect() allows by the first rule that matches, and hands back all that do", () => {
  const own = rule("*.example");
  expect(mayConnect({ rules: [npm, own] }, { host: "registry.example", port: 4873 })).toEqual({
    decision: "allow",
    layer: "gate",
    rule: "registry.example",
    origin: "profile cowork, preset npm",
    rules: [npm, own],
  });
});

test("mayConnect() lets deny beat allow, whatever the order", () => {
  const answer = mayConnect(
    { rules: [rule("*.example"), rule("bad.example", deny)] },
    { host: "bad.example", port: 443, method: "GET", path: "/" },
  );
  expect(answer).toEqual({
    decision: "deny",
    layer: "gate",
    rule: "deny bad.example",
    origin: "settings /etc/x",
    remedy: 'Remove "bad.example" from the denied hosts (settings /etc/x)',
    rules: [],
  });
});

test("mayConnect() holds a rule's port, and without one allows every port", () => {
  const rules = [rule("a.example:8443"), rule("b.example"), rule("[2001:db8::1]:443")];
  const may = (host: string, port: number) => mayConnect({ rules }, { host, port }).decision;
  expect([
    may("a.example", 8443),
    may("a.example", 443),
    may("b.example", 1),
    may("b.example", 65535),
  ]).toEqual(["allow", "deny", "allow", "allow"]);
  expect([may("2001:db8::1", 443), may("2001:db8::1", 80)]).toEqual(["allow", "deny"]);
});

test("mayConnect() limits the method where it is known, and says which are allowed", () => {
  const asked = { host: "registry.example", port: 80, path: "/-/x" };
  expect(mayConnect({ rules: [npm] }, { ...asked, method: "HEAD" }).decision).toBe("allow");
  expect(mayConnect({ rules: [npm] }, { host: "registry.example", port: 443 }).decision).toBe("allow");
  expect(mayConnect({ rules: [npm] }, { ...asked, method: "PUT" })).toEqual({
    decision: "deny",
    layer: "gate",
    rule: "PUT is not among GET, HEAD for registry.example",
    origin: "profile cowork, preset npm",
    remedy: "workcell run --allow-host registry.example",
    rules: [],
  });
});

test("mayConnect() limits the path of a rule that has one, in its plain spelling only", () => {
  const fetch = rule("git.example", { methods: ["POST"], paths: ["/git-upload-pack"] });
  const may = (path: string) =>
    mayConnect({ rules: [fetch] }, { host: "git.example", port: 80, method: "POST", path }).decision;
  expect(may("/a/b.git/git-upload-pack")).toBe("allow");
  const refused = ["/a/git-receive-pack", "/a/x-git-upload-pack", "/a/git-receive-pack/../git-upload-pack"];
  const encoded = ["/a/git-receive-pack%3F/git-upload-pack", "/a;/git-upload-pack", "/a//git-upload-pack"];
  expect([...refused, ...encoded].filter((path) => may(path) === "allow")).toEqual([]);
  const answer = mayConnect({ rules: [fetch] }, { host: "git.example", port: 80, method: "POST", path: "/" });
  expect(answer.rule).toBe("POST is not among POST to .../git-upload-pack for git.example");
});
