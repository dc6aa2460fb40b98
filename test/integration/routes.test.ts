import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Authority, makeAuthority, serveProxy } from "../helpers/local-origins.ts";
import {
  largeBody,
  largeBytes,
  openRouteUpstream,
  type RouteUpstream,
  sha256,
} from "../helpers/route-upstream.ts";
import { type Desk, everyWay, makeDesk, people } from "../helpers/run-workcell.ts";

const key = "sk-real-0123456789-abcdefghij";
const client = readFileSync(path.join(import.meta.dirname, "../fixtures/route-client.mjs"), "utf8");
const node = (...words: string[]) => ["--", "node", "--input-type=module", "-e", client, "--", ...words];
const folder = mkdtempSync(path.join(os.tmpdir(), "routes-"));
chmodSync(folder, 0o755);
let authority: Authority;
let upstream: RouteUpstream;

beforeAll(async () => {
  authority = makeAuthority(folder, ["localhost", "api.example"]);
  chmodSync(authority.caFile, 0o644);
  upstream = await openRouteUpstream(authority);
});
afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => upstream.arrived.splice(0));

const question = (more: object = {}) =>
  JSON.stringify({
    url: "http://model.workcell/v1/messages?beta=true",
    headers: { authorization: "Bearer workcell-placeholder", "anthropic-beta": "a-1" },
    body: "{}",
    ...more,
  });

/** Flags for a route to the upstream, or where `more` says, with a token from a variable. */
function routeFlags(desk: Desk, more: object = {}): readonly string[] {
  const credential = {
    header: "authorization",
    scheme: "Bearer",
    also: { "anthropic-beta": "oauth-1" },
    from: { environment: "MODEL_TOKEN" },
  };
  const route = { upstream: `https://localhost:${upstream.port}/gateway`, credential, ...more };
  return ["--settings", desk.file("routes.json", JSON.stringify({ routes: { "model.workcell": route } }))];
}

const withAuthority = () => ({ MODEL_TOKEN: key, NODE_EXTRA_CA_CERTS: authority.caFile });

describe.each(everyWay)("a route of a cell of $name", (person) => {
  test("a request arrives by TLS below the upstream's path, as the upstream's own", async () => {
    using desk = makeDesk(person);
    const words = [...routeFlags(desk), ...node("ask", question(), question())];
    const { stdout, stderr } = await desk.run(words, { env: withAuthority() });
    expect([stdout, stderr]).toEqual([
      '{"status":200,"body":"reached /gateway/v1/messages?beta=true"}\n'.repeat(2),
      "",
    ]);
    expect(upstream.arrived).toHaveLength(2);
    expect(upstream.arrived[0]).toMatchObject({
      method: "POST",
      path: "/gateway/v1/messages?beta=true",
      headers: {
        host: `localhost:${upstream.port}`,
        authorization: `Bearer ${key}`,
        "anthropic-beta": "a-1,oauth-1",
        "content-length": "2",
      },
    });
    const { stdout: log } = await desk.workcell(["audit", "--json"]);
    const lines = log
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject(
      [1, 2].map(() => ({
        kind: "request",
        decision: "allow",
        rule: `route model.workcell to localhost:${upstream.port}`,
        subject: "POST http://model.workcell/v1/messages",
        upstream: `localhost:${upstream.port}`,
        status: 200,
      })),
    );
  });

  test("each streamed event comes before the next one is sent", async () => {
    using desk = makeDesk(person);
    const { stdout } = await desk.run([...routeFlags(desk), ...node("stream")], { env: withAuthority() });
    expect(JSON.parse(stdout)).toEqual(["data: 1", "data: 2", "data: 3"]);
  });

  test("large bodies come through whole, to a slow reader too", async () => {
    using desk = makeDesk(person);
    const words = [...routeFlags(desk), ...node("large", String(largeBytes))];
    const { stdout } = await desk.run(words, { env: withAuthority() });
    const hash = sha256(largeBody());
    expect(JSON.parse(stdout)).toEqual([hash, hash]);
  });
});

describe.each(people)("for $name", (person) => {
  test("an upstream whose authority is unknown gets no credential, and the answer says how to name it", async () => {
    using desk = makeDesk(person);
    const env = { MODEL_TOKEN: key, NODE_TLS_REJECT_UNAUTHORIZED: "0" };
    const { stdout } = await desk.run([...routeFlags(desk), ...node("ask", question())], { env });
    expect(stdout).toMatch(
      /^\{"status":502,.*TLS: .*; name the PEM file of its authority in NODE_EXTRA_CA_CERTS/,
    );
    expect(upstream.arrived).toEqual([]);
  });

  test("an authority counts that SSL_CERT_FILE names, and a name that the certificate lacks does not", async () => {
    using desk = makeDesk(person);
    const env = { MODEL_TOKEN: key, SSL_CERT_FILE: authority.caFile };
    const { stdout } = await desk.run([...routeFlags(desk), ...node("ask", question())], { env });
    expect(stdout).toContain('"status":200');
    expect(upstream.arrived).toHaveLength(1);
    const other = makeAuthority(desk.folder("other"), ["other.example"]);
    chmodSync(other.caFile, 0o644);
    await using elsewhere = await openRouteUpstream(other);
    const flags = routeFlags(desk, { upstream: `https://localhost:${elsewhere.port}` });
    const trusting = { ...env, SSL_CERT_FILE: other.caFile };
    const refused = await desk.run([...flags, ...node("ask", question())], { env: trusting });
    expect(refused.stdout).toMatch(/"status":502.*ERR_TLS_CERT_ALTNAME_INVALID/);
    expect(elsewhere.arrived).toEqual([]);
  });

  test("the way to the upstream goes through the machine's own proxy", async () => {
    using desk = makeDesk(person);
    await using proxy = await serveProxy(upstream.port, "Basic YTpi");
    const env = { ...withAuthority(), https_proxy: `http://a:b@127.0.0.1:${proxy.port}` };
    const flags = routeFlags(desk, { upstream: "https://api.example" });
    const { stdout } = await desk.run([...flags, ...node("ask", question())], { env });
    expect(stdout).toContain('"status":200');
    expect(proxy.asked).toEqual(["CONNECT api.example:443"]);
    expect(upstream.arrived[0]?.headers).toMatchObject({
      host: "api.example",
      authorization: `Bearer ${key}`,
    });
    expect(upstream.arrived[0]?.headers).not.toHaveProperty("proxy-authorization");
  });

  test("a credential that is not there stops the start, with the remedy", async () => {
    using desk = makeDesk(person);
    const { code, stdout, stderr } = await desk.run([...routeFlags(desk), "echo", "ran"]);
    expect([code, stdout]).toEqual([125, ""]);
    expect(stderr).toContain("the variable MODEL_TOKEN is not set, and its value is needed");
    expect(stderr).toContain("export MODEL_TOKEN=");
  });

  test("a folder's own file may set no route, agreed to or not", async () => {
    using desk = makeDesk(person);
    const routes = { "model.workcell": { upstream: "https://elsewhere.example" } };
    desk.file("work/.workcell.json", JSON.stringify({ routes }));
    const agreed = await desk.workcell(["trust", "--yes"], { cwd: desk.work });
    expect(agreed.code).toBe(125);
    expect(agreed.stderr).toContain("a folder's own file may never say where a credential of yours goes");
  });

  test("--explain shows where a route leads, and not its credential", async () => {
    using desk = makeDesk(person);
    const { stdout } = await desk.run([...routeFlags(desk), "--explain", "true"], { env: withAuthority() });
    expect(stdout).toMatch(
      /http:\/\/model\.workcell +https:\/\/localhost:\d+\/gateway +credential in authorization +POST \/v1, GET \/v1 +settings /,
    );
    expect(stdout).not.toContain(key);
  });
});
