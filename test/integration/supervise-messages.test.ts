import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as helper from "../helpers/supervised.ts";

const { bare, sleep, supervise } = helper;

let programs: helper.Programs;
beforeAll(() => {
  programs = helper.buildPrograms();
});
afterAll(() => programs[Symbol.dispose]());

const hex = (text: string) => Buffer.from(text, "latin1").toString("hex");

/** Asks a listening socket, through a program in the same network namespace. */
const ask = (port: number) => `exec 3<>/dev/tcp/127.0.0.1/${port}; read -r line <&3; echo "$line"`;

describe.each(helper.starters)("what a cell says, started by $name", (starter) => {
  test("why it failed is heard by a Node that is late, sockets or not", async () => {
    for (const steps of [["listen"], []]) {
      const cell = supervise(
        programs,
        { starter },
        ...steps,
        "failed",
        "125",
        "16",
        "install",
        "status",
        "125",
      );
      // Nothing of Node's own happens meanwhile, and the cell is long over.
      execFileSync("sleep", ["0.7"]);
      // Node may say that the child has ended before it says the last that the child said.
      await cell.until("end");
      expect(cell.all("failed")).toMatchObject([{ step: "install", code: 125 }]);
      expect(cell.all("end")).toMatchObject([{ status: 125 << 8 }]);
    }
  });

  test("the listening sockets of the cell become servers of Node before it is ready", async () => {
    const cell = supervise(programs, { starter }, "listen", "seal", "wait", "exec", "/bin/bash");
    await cell.until("ready");
    expect(cell.said.map(({ t, name }) => [t, name])).toEqual([
      ["listen", "http"],
      ["listen", "socks"],
      ["ready", undefined],
    ]);
    const servers = ["http", "socks"].map((name) => {
      const server = net.createServer((socket) => socket.end(`this is ${name}\n`));
      return server.listen(cell.handles.get(name) as net.Server);
    });
    cell.send("g");
    for (const server of servers) {
      const { port } = server.address() as net.AddressInfo;
      cell.child.stdin?.write(`(${ask(port)})\n`);
    }
    cell.child.stdin?.end();
    await cell.until("end");
    expect(await cell.stdout).toBe("this is http\nthis is socks\n");
    for (const server of servers) {
      server.close();
      await once(server, "close");
    }
  });

  test("lines of the launcher's stderr are relayed, whatever their bytes are", async () => {
    const odd = '{"t":"end"}"\\\x00\x01\x1b\x7f\x80\xff';
    const steps = ["complain", hex(`${odd}\n\nlast`), "1", "status", "0"];
    const cell = supervise(programs, { starter }, "seal", "wait", ...steps);
    await cell.run();
    expect(cell.all("line")).toEqual([
      { t: "line", text: odd },
      { t: "line", text: "last" },
    ]);
    expect(cell.all("end")).toHaveLength(1);
  });

  test("lines are cut at 4 kB, and told up to the 200th", async () => {
    const long = `${"ff".repeat(9000)}0a`;
    const many = ["complain", long, "3", "complain", hex("short\n"), "5000", "status", "0"];
    const cell = supervise(programs, { starter }, "seal", "wait", ...many);
    await cell.run();
    const texts = cell.all("line").map(({ text }) => text);
    expect(texts.slice(0, 4)).toEqual([..."123"].map(() => "\xff".repeat(4096)).concat("short"));
    expect(texts).toHaveLength(201);
    expect(texts[200]).toBe("cellhost: further lines are left out");
  });

  test("a program that cannot be started is told on a line, and by bwrap's code", async () => {
    const cell = supervise(programs, { starter, around: ["/nowhere/bwrap"] }, "seal");
    await cell.ended;
    expect(cell.said).toMatchObject([
      {
        t: "line",
        text: 'cellhost: execute "/nowhere/bwrap": No such file or directory (errno ENOENT)',
      },
      { t: "end", status: 125 << 8 },
    ]);
  });

  test("failed and exit are told once, and exit not before go", async () => {
    const steps = [
      "ended",
      "1",
      "2",
      "3",
      "seal",
      "wait",
      "failed",
      "127",
      "2",
      "find \n",
      "failed",
      "126",
      "1",
      "x",
    ];
    const most = [
      "ended",
      "256",
      "5000",
      "18446744073709551615",
      "ended",
      "256",
      "5000",
      "77",
      "ended",
      "0",
      "0",
      "0",
    ];
    const cell = supervise(programs, { starter }, ...steps, ...most, "status", "0");
    await cell.run();
    expect(cell.all("failed")).toEqual([{ t: "failed", step: "find \n", errno: "ENOENT", code: 127 }]);
    expect(cell.all("exit")).toEqual([{ t: "exit", status: 256, cpuUs: 5000, maxRssKb: 77 }]);
  });

  test.each([
    ["nothing", "", 0],
    ["nothing, with a descriptor", "", 1],
    ["an unknown kind", "7a", 0],
    ["sealed without a listener", "530500000000", 0],
    ["sealed with what is no listener", "530500000000", 1],
    ["sealed with two", "530500000000", 2],
    ["sealed with 253 descriptors", "530500000000", 253],
    ["sealed, cut short", "5305", 1],
    ["sealed, too long", "53050000000000", 1],
    ["sealed for a command that nobody asked for", "530501000000", 1],
    ["listening, with files", "4c", 2],
    ["listening, with 253 of them", "4c", 253],
    ["a terminal that nobody asked for", "5400000000", 1],
    ["failed without a word", "467d0100000000", 0],
    ["failed with a success", "46000100000000aa", 0],
    ["failed with a descriptor", "467d0100000000aa", 1],
    ["ended, cut short", "58000000000000", 0],
    ["four thousand bytes", "46".repeat(4000), 0],
  ])("a message out of place is dropped, and what it brings is closed: %s", async (_what, bytes, count) => {
    const send = Array.from({ length: 3 }, () => ["send", bytes, `${count}`]).flat();
    const wait = ["sleep", "400"];
    const cell = supervise(programs, { starter, around: bare }, ...send, "seal", "wait", ...send, ...wait);
    await cell.go();
    await sleep(150);
    const open = readdirSync(`/proc/${cell.child.pid}/fd`);
    const plain = supervise(programs, { starter, around: bare }, "seal", "wait", ...wait);
    await plain.go();
    await sleep(150);
    // Between the two there is nothing but the messages.
    expect(open).toHaveLength(readdirSync(`/proc/${plain.child.pid}/fd`).length);
    await Promise.all([cell.ended, plain.ended]);
    expect(cell.said).toMatchObject([
      { t: "line", text: "cellhost: drop a message of the cell that is out of place" },
      { t: "ready" },
      { t: "end", status: 0 },
    ]);
  });

  test("a second seal is dropped, with its listener", async () => {
    const cell = supervise(programs, { starter, around: bare }, "seal", "send", "530500000000", "1", "wait");
    await cell.run();
    expect(cell.all("ready")).toHaveLength(1);
    expect(cell.all("line")).toHaveLength(1);
  });
});
