import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking, type Person, people, useHouse } from "../helpers/cell.ts";

/*
 * What a cell gets from its gate. How the gate reads hostile requests, and that it dials the address it checked, is
 * tried where the resolver can be played with: src/gate/gate-attacks.test.ts.
 */
const absent = lacking({});
const house = useHouse();
const server = http.createServer((request, response) => response.end(`reached ${request.method}`));
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

/** Asks by all three ways, and prints a line for each: what answered, and how. */
const program = (host: string) => `
  const net = require("node:net");
  const [host, port] = [${JSON.stringify(host)}, ${port}];
  const ask = (at, write) => new Promise((resolve) => {
    let text = "";
    const socket = net.connect(at, "127.0.0.1", () => write(socket)).setEncoding("latin1");
    socket.on("data", (more) => { text += more; socket.emit("more", text); }).on("error", () => {});
    socket.setTimeout(5000, () => socket.destroy()).on("close", () => resolve(text));
  });
  const get = "GET / HTTP/1.1\\r\\nHost: " + host + ":" + port + "\\r\\nConnection: close\\r\\n\\r\\n";
  const name = Buffer.from(host);
  const socksTo = Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 255])]);
  const ways = {
    http: () => ask(3128, (s) => s.write(get.replace("GET /", "GET http://" + host + ":" + port + "/"))),
    connect: () => ask(3128, (s) => {
      s.write("CONNECT " + host + ":" + port + " HTTP/1.1\\r\\nHost: " + host + ":" + port + "\\r\\n\\r\\n");
      s.once("data", (text) => (text.includes(" 200 ") ? s.write(get) : s.end()));
    }),
    socks: () => ask(1080, (s) => {
      s.write(Buffer.from([5, 1, 0]));
      s.once("data", () => {
        s.write(socksTo);
        s.once("data", (text) => (text.charCodeAt(1) === 0 ? s.write(get) : s.end()));
      });
    }),
    direct: () => ask(port, (s) => s.write(get)),
  };
  (async () => {
    for (const way of process.argv.slice(1)) {
      console.log(way, (await ways[way]()).includes("reached GET") ? "reached" : "not reached");
    }
  })();`;

async function throughGate(person: Person, host: string, flags: readonly string[]): Promise<string> {
  const ended = await house.inside(person, flags, ["node", "-e", program(host), "http", "connect", "socks"]);
  return ended.stdout;
}

const reached = "http reached\nconnect reached\nsocks reached\n";
const notReached = "http not reached\nconnect not reached\nsocks not reached\n";

/** PORT stands for the server's own. */
const cases: readonly (readonly [why: string, host: string, flags: readonly string[], answer: string])[] = [
  ["a rule that names the address", "127.0.0.1", ["--allow-host", "127.0.0.1"], reached],
  ["a rule that names address and port", "127.0.0.1", ["--allow-host", "127.0.0.1:PORT"], reached],
  ["a rule that names localhost", "localhost", ["--allow-host", "localhost:PORT"], reached],
  ["no rule", "127.0.0.1", [], notReached],
  ["a rule for another port", "127.0.0.1", ["--allow-host", "127.0.0.1:1"], notReached],
  ["a rule for another host", "127.0.0.1", ["--allow-host", "example.org"], notReached],
  ["a rule for another address", "127.0.0.1", ["--allow-host", "127.0.0.2"], notReached],
  ["a denial beside it", "127.0.0.1", ["--allow-host", "127.0.0.1", "--deny-host", "127.0.0.1"], notReached],
  [
    "a denial of the address that the name stands for",
    "localhost",
    ["--allow-host", "localhost", "--deny-host", "127.0.0.1"],
    notReached,
  ],
  ["an address spelled otherwise", "127.1", ["--allow-host", "localhost"], notReached],
  ["an address in hexadecimal", "0x7f000001", ["--allow-host", "localhost"], notReached],
  ["an address mapped into IPv6", "[::ffff:127.0.0.1]", ["--allow-host", "localhost"], notReached],
  ["the metadata service", "169.254.169.254", ["--allow-host", "*.example.org"], notReached],
];

describe.skipIf(absent.length > 0).each(people)("P6: the gate of a cell of $name", (person) => {
  test.for(cases)("%s: %s", async ([, host, flags, answer]) => {
    const given = flags.map((flag) => flag.replace("PORT", String(port)));
    expect(await throughGate(person, host, given)).toBe(answer);
  });

  test("control: without a cell the server is reached with no rule at all", async () => {
    const ended = await house.outside(person, ["node", "-e", program("127.0.0.1"), "direct"]);
    expect(ended.stdout).toBe("direct reached\n");
  });

  test("a refusal names layer, rule and remedy in the answer, to the person and in the audit log", async () => {
    const ask = `socat -t2 - TCP:localhost:3128 <<< $'GET http://refused.example/ HTTP/1.1\\r\\nHost: refused.example\\r\\nConnection: close\\r\\n\\r'`;
    const { stdout, stderr } = await house.inside(person, [], ["bash", "-c", ask]);
    expect(stdout).toMatch(/^HTTP\/1\.1 403 /);
    expect(stdout).toContain("workcell run --allow-host refused.example");
    expect(stderr).toMatch(
      /^workcell: refused GET http:\/\/refused\.example\/ \(gate: .*to allow it: workcell run --allow-host refused\.example/,
    );
    const { stdout: log } = await house.outside(person, [house.workcell, "audit", "--denied", "--json"]);
    const lines = log
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter(({ subject }) => String(subject).includes("refused.example"))).toMatchObject([
      { decision: "deny", layer: "gate" },
    ]);
  });
});
