import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";
import { expect, test } from "vitest";
import { flagRule, listening, openEcho, openGate, openOrigin } from "../../test/helpers/gate-fixture.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { proxyFor, upstreamFromEnvironment } from "./machine-proxy.ts";

const name = (host: string, port: number) => ({ kind: "name", host, port }) as const;
const literal = (host: string, port: number) => ({ kind: "address", host, port }) as const;

test("upstreamFromEnvironment() reads both cases, a password, and a proxy without a scheme", () => {
  const proxies = upstreamFromEnvironment({
    HTTP_PROXY: "http://never.example",
    http_proxy: "proxy.example:3128",
    HTTPS_PROXY: "https://ada:p%40ss@proxy.example",
    no_proxy: "",
  });
  expect(proxies).toEqual({
    http: { usable: true, secure: false, host: "proxy.example", port: 3128, origin: "http_proxy" },
    https: {
      usable: true,
      secure: true,
      host: "proxy.example",
      port: 443,
      authorization: `Basic ${Buffer.from("ada:p@ss").toString("base64")}`,
      origin: "HTTPS_PROXY",
    },
    noProxy: [],
  });
  expect(upstreamFromEnvironment({})).toEqual({ noProxy: [] });
});

test("upstreamFromEnvironment() keeps a proxy that cannot be used, so that nothing goes past it", () => {
  const proxies = upstreamFromEnvironment({ ALL_PROXY: "socks5h://proxy.example:1080" });
  const reason = "ALL_PROXY names a proxy of the kind socks5h, and http or https is needed";
  const unusable = { usable: false, reason, origin: "ALL_PROXY" };
  expect(proxies).toEqual({ http: unusable, https: unusable, noProxy: [] });
});

test("proxyFor() goes by port, and past the proxies for NO_PROXY and loopback", () => {
  const upstream = upstreamFromEnvironment({
    http_proxy: "http://plain.example",
    https_proxy: "http://sealed.example",
    NO_PROXY:
      "corp.example,.dot.example, *.star.example only.example:8443 10.0.0.0/8,[2001:db8::1],192.0.2.7",
  });
  const via = (target: Parameters<typeof proxyFor>[1]) => {
    const proxy = proxyFor(upstream, target);
    return proxy?.usable ? proxy.host : proxy;
  };
  expect([via(name("a.example", 80)), via(name("a.example", 443)), via(name("a.example", 22))]).toEqual([
    "plain.example",
    "sealed.example",
    "sealed.example",
  ]);
  const past = [
    name("corp.example", 443),
    name("x.corp.example", 443),
    name("x.dot.example", 80),
    name("x.star.example", 80),
  ];
  const more = [
    name("only.example", 8443),
    literal("10.1.2.3", 80),
    literal("2001:db8::1", 80),
    literal("192.0.2.7", 1),
  ];
  const loopback = [
    name("localhost", 80),
    name("a.localhost", 80),
    literal("127.0.0.1", 80),
    literal("::1", 443),
  ];
  expect([...past, ...more, ...loopback].map(via)).toEqual(new Array(12).fill(undefined));
  const through = [
    name("xcorp.example", 80),
    name("only.example", 80),
    literal("11.0.0.1", 80),
    name("corp.example.evil", 80),
  ];
  expect(through.map(via)).toEqual(new Array(4).fill("plain.example"));
  expect(
    proxyFor(upstreamFromEnvironment({ http_proxy: "http://p.example", no_proxy: "*" }), name("a", 80)),
  ).toBe(undefined);
});

/** A real forward proxy: it records what it was asked, and sends everything to one port of loopback. */
function proxyServer(to: number, seen: string[]): http.Server {
  const server = http.createServer((request, response) => {
    seen.push(
      `${request.method} ${request.url} ${request.headers["proxy-authorization"]} ${request.headers.host}`,
    );
    response.end("by proxy");
  });
  server.on("connect", (request, socket: net.Socket) => {
    seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`);
    if (request.url?.startsWith("closed.example")) return void socket.end("HTTP/1.1 407 No\r\n\r\n");
    const upstream = net.connect(to, "127.0.0.1");
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    return void socket.pipe(upstream).pipe(socket);
  });
  return server;
}

test("requests and tunnels go through the machine's proxy by name, with its password", async () => {
  await using origin = await openOrigin();
  const seen: string[] = [];
  await using proxy = await listening(proxyServer(origin.port, seen));
  const url = `http://ada:pass@127.0.0.1:${proxy.port}`;
  const upstream = upstreamFromEnvironment({ http_proxy: url, https_proxy: url });
  const rules = ["a.example", "closed.example", "8.8.8.8"].map((host) => flagRule(host));
  await using gate = await openGate(rules, { upstream });
  const get =
    "GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: mine\r\nConnection: close\r\n\r\n";
  expect(await gate.talk(get)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*by proxy/);
  const inner = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  expect(await gate.talk(`CONNECT a.example:443 HTTP/1.1\r\n\r\n${inner}`)).toMatch(
    /200 Connection est[\s\S]*200 OK/,
  );
  expect(await gate.talk("CONNECT closed.example:443 HTTP/1.1\r\n\r\n")).toMatch(
    /^HTTP\/1\.1 502 .*proxy answered 407/,
  );
  const basic = `Basic ${Buffer.from("ada:pass").toString("base64")}`;
  expect(seen).toEqual([
    `GET http://a.example/x ${basic} a.example`,
    `CONNECT a.example:443 ${basic}`,
    `CONNECT closed.example:443 ${basic}`,
  ]);
  expect(gate.lookups).toEqual([]);
  expect(origin.seen).toEqual(["GET / Host: x; Connection: close;"]);
});

test("a proxy is no way to a private address or to a name that is not allowed", async () => {
  const seen: string[] = [];
  await using echo = await openEcho();
  await using proxy = await listening(proxyServer(echo.port, seen));
  const upstream = upstreamFromEnvironment({ all_proxy: `http://127.0.0.1:${proxy.port}` });
  await using gate = await openGate([flagRule("a.example")], { upstream });
  expect(await gate.talk("CONNECT 10.0.0.1:443 HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1\.1 403 /);
  expect(await gate.talk("CONNECT b.example:443 HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1\.1 403 /);
  expect(seen).toEqual([]);
  await using lame = await openGate([flagRule("a.example")], {
    upstream: upstreamFromEnvironment({ all_proxy: "socks5://x" }),
  });
  expect(await lame.talk("CONNECT a.example:443 HTTP/1.1\r\n\r\n")).toMatch(
    /^HTTP\/1\.1 502 .*all_proxy names a proxy of the kind socks5/,
  );
});

const openssl = spawnSync("openssl", ["version"]).status === 0;

test.skipIf(!openssl)(
  "a proxy spoken to by TLS is trusted by the extra authority only (needs openssl)",
  async () => {
    const folder = tempFolder();
    const [key, cert] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const make = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
    ];
    execFileSync("openssl", [...make, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
    await using origin = await openOrigin();
    const seen: string[] = [];
    const inner = proxyServer(origin.port, seen);
    const server = tls.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
      inner.emit("connection", socket);
    });
    await using proxy = await listening(server);
    const upstream = upstreamFromEnvironment({ https_proxy: `https://localhost:${proxy.port}` });
    const text =
      "CONNECT a.example:443 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    await using untrusting = await openGate([flagRule("a.example")], { upstream });
    expect(await untrusting.talk(text)).toMatch(/^HTTP\/1\.1 502 .*proxy: .*SELF_SIGNED/);
    await using trusting = await openGate([flagRule("a.example")], { upstream, extraCa: cert });
    expect(await trusting.talk(text)).toMatch(/200 Connection est[\s\S]*200 OK/);
    expect(seen).toEqual(["CONNECT a.example:443 undefined"]);
  },
);
