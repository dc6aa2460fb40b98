import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import type { RouteSetting } from "../model/index.ts";
import { mayConnect } from "./may-connect.ts";
import { mayDial } from "./may-dial.ts";
import { mayRoute, upstreamRules } from "./may-route.ts";
import { parseHostPattern } from "./parse-host-pattern.ts";
import { parseRoute } from "./parse-route.ts";

const origin = "settings /s.json: routes.model.workcell";
const setting = { name: "model.workcell", upstream: "https://API.example./" };
const parse = (more: Partial<RouteSetting> = {}) => parseRoute({ value: { ...setting, ...more }, origin });

test("parseRoute() reads a route, and keeps nothing of where its credential comes from", () => {
  const credential = { header: "x-api-key", from: { environment: "MODEL_KEY" } } as const;
  expect(parse({ credential })).toEqual({
    name: "model.workcell",
    upstream: { secure: true, kind: "name", host: "api.example", port: 443, path: "" },
    credential: { header: "x-api-key" },
    allow: [
      { method: "POST", below: "/v1" },
      { method: "GET", below: "/v1" },
    ],
    origin,
  });
  expect(parse({ upstream: "http://[::1]:4000/a/b//", allow: ["PUT /", "GET /v1/"] })).toMatchObject({
    upstream: { secure: false, kind: "address", host: "::1", port: 4000, path: "/a/b" },
    allow: [
      { method: "PUT", below: "" },
      { method: "GET", below: "/v1" },
    ],
  });
});

const wrong: readonly (readonly [Partial<RouteSetting>, string])[] = [
  [{ name: "model.example" }, "must be one word"],
  [{ name: "a.b.workcell" }, "must be one word"],
  [{ name: ".workcell" }, "must be one word"],
  [{ name: "Model.workcell" }, "must be one word"],
  [{ name: "model.workcell." }, "must be one word"],
  [{ name: "-a.workcell" }, "must be one word"],
  [{ name: "__proto__" }, "must be one word"],
  [{ upstream: "api.example" }, "it is no address"],
  [{ upstream: "ftp://api.example" }, "it must begin with https://"],
  [{ upstream: "https://ann:sk-real@api.example" }, "a user name or password"],
  [{ upstream: "https://sk-real@api.example" }, "a user name or password"],
  [{ upstream: "https://api.example?key=sk-real" }, "a query or a fragment"],
  [{ upstream: "https://api.example/#sk-real" }, "a query or a fragment"],
  [{ upstream: "https://other.workcell" }, "it is itself a route's name"],
  [{ upstream: "https://api.example/a%2fb" }, "more than one way"],
  [{ upstream: "https://a_b!.example" }, "the host holds"],
  [{ allow: ["post /v1"] }, "a method in capitals"],
  [{ allow: ["POST v1"] }, "a method in capitals"],
  [{ allow: ["POST /v1/../x"] }, "a method in capitals"],
  [{ allow: ["CONNECT /"] }, "a method in capitals"],
  [{ allow: ["TRACE /v1"] }, "neither CONNECT nor TRACE"],
  [{ allow: ["TRACK /v1"] }, "neither CONNECT nor TRACE"],
  [{ credential: { header: "x-api-key", scheme: "Bearer" } }, "a scheme stands in the field authorization"],
  [{ credential: { header: "x-api-key", also: { "a b": "1" } } }, "printable ASCII"],
  [{ credential: { header: "x-api-key", also: { a: "1\r\nb: 2" } } }, "printable ASCII"],
];

test.each(wrong)("parseRoute() refuses %j", async (more, problem) => {
  const { code, message } = await failureOf(() => parse(more));
  expect([code, message]).toEqual(["WC_SETTINGS", expect.stringContaining(problem)]);
  expect(message).toContain(`(${origin})`);
  expect(message).not.toContain("sk-real");
});

test("mayRoute() allows what stands in the route's list, below whole parts of a path", () => {
  const policy = { rules: [], routes: [parse()] };
  const ask = (method: string, path: string, port = 80) =>
    mayRoute(policy, { host: "model.workcell", port, method, path }).decision;
  expect([ask("POST", "/v1"), ask("GET", "/v1/models"), ask("POST", "/v1/messages/count_tokens")]).toEqual(
    Array.from({ length: 3 }, () => "allow"),
  );
  const refused = [
    ask("POST", "/"),
    ask("POST", "/v1x"),
    ask("POST", "/v2/v1"),
    ask("PUT", "/v1"),
    ask("POST", "/v1/a%2fb"),
    ask("POST", "/v1/../x"),
    ask("POST", "/v1//x"),
    ask("POST", "/v1\\x"),
    ask("POST", "/v1;x"),
    ask("POST", "/v1", 8080),
  ];
  expect(refused).toEqual(refused.map(() => "deny"));
});

test("mayRoute() gives no remedy that no setting takes", () => {
  const remedy = (method: string, path: string) =>
    mayRoute({ rules: [], routes: [parse()] }, { host: "model.workcell", port: 80, method, path }).remedy;
  expect(remedy("PUT", "/v1")).toContain('["PUT PATH", ...]');
  for (const [method = "", path = ""] of [
    ["TRACE", "/v1"],
    ["get", "/v1"],
    ["GET", "/v1/%2e%2e/x"],
  ])
    expect(remedy(method, path)).toMatch(/^Ask by a method in capitals/);
});

test("no rule reaches a route's name, and no pattern may name one", async () => {
  const any = { kind: "any", port: undefined, text: "*" } as const;
  const policy = { rules: [{ effect: "allow", pattern: any, origin: "test", named: true }] } as const;
  const ask = (host: string) => mayConnect(policy, { host, port: 443 }).decision;
  expect([ask("model.workcell"), ask("a.b.workcell"), ask("workcell"), ask("workcell.example")]).toEqual([
    "deny",
    "deny",
    "allow",
    "allow",
  ]);
  for (const text of ["model.workcell", "*.workcell", "model.workcell:443"]) {
    expect((await failureOf(() => parseHostPattern(text, "test"))).code).toBe("WC_HOST_PATTERN");
  }
});

test("upstreamRules() allow the upstream at its port, private or not, but for what is denied or nobody's host", () => {
  const route = parse();
  const deny = (address: string) => {
    const pattern = { kind: "address", address, port: undefined, text: address } as const;
    return { effect: "deny", pattern, origin: "test", named: false } as const;
  };
  const policy = upstreamRules({ rules: [deny("10.0.0.9")], routes: [route] }, route);
  const dial = (address: string, host = "api.example", port = 443) =>
    mayDial(policy, { asked: { host, port }, address, ownAddresses: [] }).decision;
  expect(["10.0.0.8", "127.0.0.1", "203.0.113.1"].map((address) => dial(address))).toEqual([
    "allow",
    "allow",
    "allow",
  ]);
  expect([dial("10.0.0.9"), dial("169.254.169.254"), dial("10.0.0.8", "api.example", 80)]).toEqual([
    "deny",
    "deny",
    "deny",
  ]);
});
