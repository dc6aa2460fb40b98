import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditLine } from "../../src/model/index.ts";
import {
  type Authority,
  makeAuthority,
  serveHttp,
  serveHttps,
  serveProxy,
} from "../helpers/local-origins.ts";
import { type Desk, makeDesk, someWays } from "../helpers/run-workcell.ts";

const noise = randomBytes(3_000_000);
const content = new Map<string, Buffer | string>([
  ["/hello", "hello\n"],
  ["/noise", noise],
]);
/** Node reads the proxy variables from these versions on. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const nodeKnowsProxies = major >= 24 || (major === 22 && minor >= 21);
const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditLine);

describe.each(someWays)("the network of workcell run as $name", (person) => {
  let desk: Desk;
  let authority: Authority;
  beforeAll(() => {
    desk = makeDesk(person);
    authority = makeAuthority(desk.folder("authority"), ["far.example", "localhost"]);
  });
  afterAll(() => desk[Symbol.dispose]());
  /** Lets the cell reach these servers, and trust the test's authority as the person's own machine does. */
  const allow = (...servers: readonly { readonly port: number }[]) =>
    servers.flatMap(({ port }) => ["--allow-host", `127.0.0.1:${port}`]);
  const trusting = () => ({ env: { SSL_CERT_FILE: authority.caFile, CURL_CA_BUNDLE: authority.caFile } });

  test("curl: HTTP by absolute form, both ways and byte by byte", async () => {
    await using server = await serveHttp(content);
    const url = `http://127.0.0.1:${server.port}`;
    const got = await desk.run([...allow(server), "curl", "-sS", `${url}/noise`]);
    expect([got.code, got.stderr, got.bytes.equals(noise)]).toEqual([0, "", true]);
    const sent = await desk.run([...allow(server), "curl", "-sS", "--data-binary", "@-", `${url}/in`], {
      input: noise,
    });
    expect([sent.stdout, sent.stderr]).toEqual([`${noise.length}`, ""]);
    expect(server.asked).toEqual(["GET /noise", "POST /in"]);
  });

  test("curl: HTTPS by CONNECT, trusted by the machine's own CA file, and by SOCKS5", async () => {
    await using server = await serveHttps(content, authority);
    const url = `https://127.0.0.1:${server.port}/hello`;
    const curl = [...allow(server), "curl", "-sS", url];
    expect(await desk.run(curl, trusting())).toMatchObject({ code: 0, stdout: "hello\n", stderr: "" });
    // The control: without the CA file nobody vouches for the server.
    expect(await desk.run(curl)).toMatchObject({ code: 60, stdout: "" });
    const socks = ["sh", "-c", 'unset https_proxy HTTPS_PROXY; exec curl -v "$0"', url];
    const bySocks = await desk.run([...allow(server), ...socks], trusting());
    expect([bySocks.code, bySocks.stdout]).toEqual([0, "hello\n"]);
    expect(bySocks.stderr).toMatch(/SOCKS5/);
  });

  const readers: readonly (readonly [string, readonly string[]])[] = [
    ["wget", ["wget", "-qO-"]],
    [
      "python",
      [
        "/usr/bin/python3",
        "-c",
        "import sys,urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode(), end='')",
      ],
    ],
    [
      "node",
      ["node", "-e", "fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t))"],
    ],
  ];
  test.each(readers.filter(([name]) => name !== "node" || nodeKnowsProxies))(
    "%s goes through the gate by the variables alone, HTTP and HTTPS",
    async (_, program) => {
      await using plain = await serveHttp(content);
      await using secure = await serveHttps(content, authority);
      const options = { env: { ...trusting().env, NODE_EXTRA_CA_CERTS: authority.caFile } };
      const words = [...allow(plain, secure), ...program];
      const http = await desk.run([...words, `http://127.0.0.1:${plain.port}/hello`], options);
      expect([http.code, http.stdout, http.stderr]).toEqual([0, "hello\n", ""]);
      // GnuTLS, which some wgets are built with, reads no variable.
      const ca = program[0] === "wget" ? ["--ca-certificate=/etc/workcell/ca-0.pem"] : [];
      const https = await desk.run([...words, ...ca, `https://127.0.0.1:${secure.port}/hello`], options);
      expect([https.code, https.stdout, https.stderr]).toEqual([0, "hello\n", ""]);
      expect([plain.asked, secure.asked]).toEqual([["GET /hello"], ["GET /hello"]]);
    },
  );

  test("what is refused says layer, rule, origin and remedy, and the remedy works", async () => {
    await using server = await serveHttp(content);
    const url = `http://127.0.0.1:${server.port}/hello`;
    const file = path.join(desk.home, "refused.json");
    const words = ["--outcome", file, "--allow-host", "other.example", "-e", "no_proxy=", "-e", "NO_PROXY="];
    const ended = await desk.run([...words, "curl", "-sS", url]);
    const rule = "not among 1 allowed host (flag --allow-host)";
    const remedy = `workcell run --allow-host 127.0.0.1:${server.port}`;
    expect(ended.stdout).toBe(
      `Workcell refused GET ${url}\nlayer   gate\nrule    ${rule}\norigin  flag --allow-host\nremedy  ${remedy}\n`,
    );
    expect(ended.stderr).toBe(`workcell: refused GET ${url} (gate: ${rule}); to allow it: ${remedy}\n`);
    const denial = { layer: "gate", rule, origin: "flag --allow-host", what: `GET ${url}`, remedy };
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ exitCode: 0, denials: [denial] });
    expect(server.asked).toEqual([]);
    const [, , ...flags] = remedy.split(" ");
    expect((await desk.run([...flags, "curl", "-sS", url])).stdout).toBe("hello\n");
    expect(server.asked).toEqual(["GET /hello"]);
  });

  test("refused tunnels end as the programs know it: CONNECT with 403, SOCKS5 with its own code", async () => {
    const https = await desk.run(["curl", "-sS", "https://refused.example/"]);
    expect([https.code, https.stdout]).toEqual([56, ""]);
    expect(https.stderr).toMatch(
      /curl: \(56\) .*403.*\nworkcell: refused connect refused\.example:443 \(gate: not among 0/,
    );
    const socks = await desk.run([
      "curl",
      "-sS",
      "--proxy",
      "socks5h://localhost:1080",
      "https://refused.example/",
    ]);
    expect([socks.code, socks.stdout]).toEqual([97, ""]);
    expect(socks.stderr).toContain("workcell: refused connect refused.example:443");
    // Denied by name beats allowed by suffix.
    const denied = [
      "--allow-host",
      "*.example",
      "--deny-host",
      "refused.example",
      "curl",
      "-sS",
      "http://refused.example/",
    ];
    expect((await desk.run(denied)).stdout).toContain("rule    deny refused.example");
  });

  test("the audit log has every decision, with bytes and duration; --audit appends them to a file too", async () => {
    await using server = await serveHttps(content, authority);
    const copy = desk.file("home/copy.jsonl", "what was there before", 0o644);
    const before = statSync(copy);
    const script = `curl -sS -o /dev/null https://127.0.0.1:${server.port}/noise; curl -sS https://no.example/; true`;
    const flags = ["--session", "audited-one", "--audit", copy, ...allow(server)];
    expect((await desk.run([...flags, "sh", "-c", script], trusting())).code).toBe(0);
    const listed = await desk.workcell(["audit", "--json", "--session", "audited-one"]);
    // An allowed connection is written down at its end, which may come after what was refused meanwhile.
    const lines = jsonLines(listed.stdout).sort((one, other) => (one.decision < other.decision ? -1 : 1));
    expect(
      lines.map(({ decision, kind, subject, rule, origin }) => [decision, kind, subject, rule, origin]),
    ).toEqual([
      ["allow", "connect", `127.0.0.1:${server.port}`, `127.0.0.1:${server.port}`, "flag --allow-host"],
      ["deny", "connect", "no.example:443", expect.stringContaining("not among 1"), "flag --allow-host"],
    ]);
    const [allowed] = lines;
    expect(allowed).toMatchObject({ address: "127.0.0.1", session: "audited-one", layer: "gate" });
    expect(allowed?.bytesDown).toBeGreaterThan(noise.length);
    expect(allowed?.bytesDown).toBeLessThan(noise.length * 1.1);
    expect(allowed?.bytesUp).toBeGreaterThan(100);
    expect(allowed?.durationMs).toBeGreaterThan(0);
    const [old, ...copied] = readFileSync(copy, "utf8").trimEnd().split("\n");
    expect([old, jsonLines(copied.join("\n"))]).toEqual(["what was there before", jsonLines(listed.stdout)]);
    expect([statSync(copy).ino, statSync(copy).mode]).toEqual([before.ino, before.mode]);
    const verdict = await desk.workcell(["audit", "--verify"]);
    expect([verdict.code, verdict.stdout]).toEqual([0, expect.stringMatching(/chain intact, \d+ lines\n$/)]);
  });

  test("the machine's own proxy is used upstream, with its password, of which the cell learns nothing", async () => {
    await using server = await serveHttps(content, authority);
    const secret = Buffer.from("user:s3cret").toString("base64");
    await using proxy = await serveProxy(server.port, `Basic ${secret}`);
    const address = `http://user:s3cret@127.0.0.1:${proxy.port}`;
    const machine = { HTTPS_PROXY: address, http_proxy: address, ...trusting().env };
    const allowed = ["--allow-host", "far.example"];
    const curl = (url: string) => desk.run([...allowed, "curl", "-sS", url], { env: machine });
    expect(await curl("https://far.example/hello")).toMatchObject({ code: 0, stdout: "hello\n", stderr: "" });
    expect((await curl("http://far.example/x")).stdout).toBe("proxied http://far.example/x");
    expect(proxy.asked).toEqual(["CONNECT far.example:443", "GET http://far.example/x"]);
    const inside = await desk.run([...allowed, "sh", "-c", "env; cat /proc/*/environ /proc/*/cmdline"], {
      env: machine,
    });
    expect(inside.stdout).toContain("http://localhost:3128");
    expect(inside.stdout).not.toMatch(new RegExp(`s3cret|:${proxy.port}`));
    // The controls: a wrong password is told as such, and what NO_PROXY names goes past the proxy.
    const wrong = { ...machine, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    expect(
      (await desk.run([...allowed, "curl", "-sS", "https://far.example/"], { env: wrong })).stderr,
    ).toMatch(/407|50\d/);
    const past = { env: { ...machine, NO_PROXY: "127.0.0.1" } };
    await desk.run([...allow(server), "curl", "-sS", `https://127.0.0.1:${server.port}/hello`], past);
    expect(proxy.asked).toHaveLength(3);
  });

  test("npm installs over HTTPS from a registry under the person's own CA", async () => {
    const files = new Map<string, Buffer | string>();
    await using registry = await serveHttps(files, authority);
    // By name: of a server without one, npm compares the certificate with its own "localhost".
    const base = `https://localhost:${registry.port}`;
    const folder = desk.folder("leaf/package");
    desk.file("leaf/package/package.json", '{"name":"leaf","version":"1.0.0"}');
    const { bytes } = await desk.outside(["tar", "-cz", "-C", path.dirname(folder), "package"]);
    const version = { name: "leaf", version: "1.0.0", dist: { tarball: `${base}/leaf-1.0.0.tgz` } };
    const document = { name: "leaf", "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } };
    files.set("/leaf", JSON.stringify(document)).set("/leaf-1.0.0.tgz", bytes);
    const install = [
      "--preset",
      "npm",
      "sh",
      "-c",
      "cd && echo '{}' >package.json && npm install leaf && ls node_modules",
    ];
    desk.file("home/.npmrc", `registry=${base}/\ncafile=${authority.caFile}\n`);
    const ended = await desk.run(install);
    expect([ended.code, ended.stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "leaf"]);
    expect(registry.asked).toEqual(expect.arrayContaining(["GET /leaf", "GET /leaf-1.0.0.tgz"]));
    // The control: npm does not take anybody's word for it.
    desk.file("home/.npmrc", `registry=${base}/\nfetch-retries=0\n`);
    expect(
      (await desk.run([...install.slice(0, 2), "-e", "npm_config_fetch_retries=0", ...install.slice(2)]))
        .code,
    ).toBe(1);
  });
});
