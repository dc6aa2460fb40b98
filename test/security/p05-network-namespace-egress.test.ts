import dgram from "node:dgram";
import { chmodSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Attempt, describeAttempts } from "../helpers/attempts.ts";
import { isRoot, lacking, people, useHouse } from "../helpers/cell.ts";
import { makeMark } from "../helpers/live-cell.ts";

const absent = lacking({});
const house = useHouse();
const mark = makeMark();
const abstract = `workcell-${mark}`;

/** The machine's own address on its network; without one, an address that nobody has. */
const ownAddress = Object.values(os.networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;
const noAddress = "this machine has no address but loopback";
const own = ownAddress ?? "192.0.2.1";

const ports = { tcp: 0, udp: 0 };
const opened: { close(): void }[] = [];

beforeAll(async () => {
  ports.tcp = await listen({ port: 0, host: "0.0.0.0" });
  await listen({ port: ports.tcp, host: "::1" }).catch(() => 0);
  await listen({ path: `\0${abstract}` });
  const socket = path.join(house.folder, "host.sock");
  await listen({ path: socket });
  chmodSync(socket, 0o666);
  if (isRoot) {
    await listen({ path: `/run/${mark}.sock` });
    chmodSync(`/run/${mark}.sock`, 0o666);
  }
  ports.udp = await answerDatagrams();
});

afterAll(() => {
  for (const server of opened) server.close();
});

/** A server of the host that says the mark to whoever comes. */
async function listen(where: net.ListenOptions): Promise<number> {
  const server = net.createServer((socket) => socket.on("error", () => {}).end(mark));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(where, resolve));
  opened.push(server);
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

/** A name server that knows every name; to what is no question it says the mark. */
async function answerDatagrams(): Promise<number> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (message, from) => {
    const isQuestion = message.length > 12;
    socket.send(isQuestion ? answerTo(message) : Buffer.from(mark), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "0.0.0.0", resolve));
  opened.push(socket);
  return socket.address().port;
}

function answerTo(question: Buffer): Buffer {
  const head = Buffer.from(question.subarray(0, 12));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt32BE(0x0001_0001, 4);
  head.writeUInt32BE(0, 8);
  // A pointer to the name, type A, class IN, 60 s, four bytes: 192.0.2.1.
  const record = Buffer.from("c00c" + "0001" + "0001" + "0000003c" + "0004" + "c0000201", "hex");
  return Buffer.concat([head, question.subarray(12, questionEnd(question)), record]);
}

/** Behind the name's last label, its type and its class. */
const questionEnd = (message: Buffer) => message.indexOf(0, 12) + 5;

// Node 20 fills an abstract name up with zero bytes, later ones do not.
const hear = (address: string) => `timeout 3 socat -u ${address} - | grep -q ${mark}`;
const tell = (address: string) => `echo hello | timeout 3 socat -t1 - ${address} | grep -q ${mark}`;

/** An echo request to an address, by a raw or by a datagram socket. */
const ping = (address: string) => `exec perl -MSocket -e '
  my $isRaw = socket(S, PF_INET, SOCK_RAW, 1);
  $isRaw or socket(S, PF_INET, SOCK_DGRAM, 1) or exit 1;
  send(S, pack("C2n3", 8, 0, 0xf7fd, 1, 1), 0, sockaddr_in(0, inet_aton("${address}"))) or exit 1;
  alarm 2; recv(S, $_, 100, 0); exit(length ? 0 : 1)'`;

const resolve = (server: string) => `exec node -e '
  const resolver = new (require("node:dns").Resolver)({ timeout: 500, tries: 1 });
  resolver.setServers(["${server}"]);
  resolver.resolve4("known.example", (error) => process.exit(error ? 1 : 0));'`;

const mayHaveNoAddress = ownAddress === undefined ? { maybeVacuous: noAddress } : {};
const mayNotPing = { maybeVacuous: "net.ipv4.ping_group_range leaves this user out" };

function attempts(): readonly Attempt[] {
  const { tcp, udp } = ports;
  return [
    { name: "connect to the host's loopback", act: hear(`TCP:127.0.0.1:${tcp}`) },
    {
      name: "connect to the host's IPv6 loopback",
      act: hear(`TCP6:[::1]:${tcp}`),
      maybeVacuous: "this machine has no IPv6",
    },
    { name: "connect to the host's own address", act: hear(`TCP:${own}:${tcp}`), ...mayHaveNoAddress },
    { name: "send a datagram to the host's loopback", act: tell(`UDP:127.0.0.1:${udp}`) },
    {
      name: "send a datagram to the host's own address",
      act: tell(`UDP:${own}:${udp}`),
      ...mayHaveNoAddress,
    },
    { name: "ask a name server on loopback", act: resolve(`127.0.0.1:${udp}`) },
    {
      name: "ask a name server at the host's own address",
      act: resolve(`${own}:${udp}`),
      ...mayHaveNoAddress,
    },
    { name: "ping the host's own address", act: ping(own), ...mayNotPing },
    { name: "ping loopback", act: ping("127.0.0.1"), ...mayNotPing },
    {
      name: "reach the host's abstract socket",
      act: `${hear(`ABSTRACT-CONNECT:${abstract}`)} || ${hear(`ABSTRACT-CONNECT:${abstract},unix-tightsocklen=0`)}`,
    },
    { name: "reach the host's socket in a folder", act: hear(`UNIX-CONNECT:${house.folder}/host.sock`) },
    {
      name: "reach the host's socket in /run",
      act: hear(`UNIX-CONNECT:/run/${mark}.sock`),
      ...(isRoot ? {} : { maybeVacuous: "only root can put one there" }),
    },
    {
      name: "see an interface but loopback",
      act: "grep : /proc/net/dev | grep -vq '^ *lo:'",
      ...mayHaveNoAddress,
    },
    { name: "see a route", act: "tail -n +2 /proc/net/route | grep -q .", ...mayHaveNoAddress },
  ];
}

describe.skipIf(absent.length > 0)("P5: loopback only, and one way out", () => {
  describeAttempts({
    title: "no direct route",
    people,
    house,
    names: attempts().map(({ name }) => name),
    // What a rule allows is allowed at the gate, and opens no other way.
    prepare: () => ({ attempts: attempts(), flags: ["--allow-host", `127.0.0.1:${ports.tcp}`] }),
  });

  test.for(people)(
    "the same server is reached through the gate by $name, when a rule names it",
    async (person) => {
      const command = ["bash", "-c", `socat -u PROXY:localhost:127.0.0.1:${ports.tcp},proxyport=3128 -`];
      const allowed = await house.inside(person, ["--allow-host", `127.0.0.1:${ports.tcp}`], command);
      expect(allowed.stdout).toBe(mark);
      const refused = await house.inside(person, [], command);
      expect(refused.stdout).toBe("");
    },
  );
});
