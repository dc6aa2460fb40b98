import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import path from "node:path";
import { expect, test } from "vitest";
import { compareNamespaces, innerPid, isAlive, processTree } from "./host-processes.ts";
import { heldListeners } from "./host-sockets.ts";
import { makeBelongings, reach } from "./inside/reach.ts";
import { tryTraffic } from "./inside/traffic.ts";
import { startServers } from "./servers.ts";

const here = import.meta.dirname;
const importsOf = (file: string) =>
  [...readFileSync(file, "utf8").matchAll(/^(import|export)( type)? [^;]*?from "([^"]+)";$/gms)].map(
    ([, , type, from = ""]) => ({ isType: type !== undefined, from }),
  );
const sources = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => path.join(folder, name));

const isListening = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "localhost", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });

test("the observer shares no code with the rest: it must stay one file, which the cell gets by its stdin", () => {
  const observer = path.join(here, "observer.ts");
  const inside = sources(path.join(here, "inside"));
  const reached = [observer, ...inside].flatMap((file) =>
    importsOf(file).filter(({ isType, from }) => !isType && !/^(node:|\.\/)/.test(from)),
  );
  expect(reached).toEqual([]);
  const outside = sources(here).filter((file) => file !== observer);
  const borrowed = outside.flatMap((file) =>
    importsOf(file).filter(({ isType, from }) => !isType && /\/(inside\/|observer\.ts)/.test(from)),
  );
  expect(borrowed).toEqual([]);
  expect(inside.length + outside.length).toBeGreaterThan(10);
});

test("reach() finds all of one's own things, and none of what is not there", async () => {
  const mark = `test${process.pid}`;
  const mine = await makeBelongings(mark);
  try {
    const found = await reach(mine);
    // This test's own command line does not carry the mark, as an owner's does.
    const needMark = ["see its processes", "signal it by its host PID"];
    const missed = Object.entries(found).filter(([, { ok }]) => !ok);
    expect(missed.map(([what]) => what)).toEqual(needMark);
    const gone = await reach({
      ...{ mark: "other", pids: [2 ** 22 - 1], abstract: "\0workcell-none", socket: "/tmp/workcell-none" },
      ...{ port: 1, files: ["/tmp/workcell-none", "/dev/shm/workcell-none", "/nonexistent/workcell-none"] },
    });
    expect(Object.values(gone).filter(({ ok }) => ok)).toEqual([]);
    expect(Object.keys(gone)).toHaveLength(8);
  } finally {
    for (const file of [...mine.files, mine.socket]) rmSync(file, { force: true });
  }
});

test("processTree() has a child while it lives, and isAlive() not a moment longer", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const found = processTree(process.pid).find(({ pid }) => pid === child.pid);
  expect(found && isAlive(found)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(found && isAlive(found)).toBe(false);
  expect(found && isAlive({ ...found, pid: process.pid })).toBe(false);
});

test("compareNamespaces() finds nothing of its own in a process like this one", () => {
  expect(compareNamespaces(process.pid).own).toEqual([]);
  expect(innerPid(process.pid)).toBe(0);
});

test("heldListeners() has a port while this process listens on it, and nobody else's", async () => {
  const other = spawn(process.execPath, [
    "-e",
    "const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))",
  ]);
  const [line] = (await once(other.stdout, "data")) as [Buffer];
  const mine = createServer().listen(0, "127.0.0.1");
  await once(mine, "listening");
  const { port } = mine.address() as AddressInfo;
  expect(heldListeners(process.pid)).toContain(port);
  expect(heldListeners(process.pid)).not.toContain(Number(line));
  mine.close();
  expect(heldListeners(process.pid)).not.toContain(port);
  other.kill("SIGKILL");
  await once(other, "exit");
});

test("without a tunnel nothing arrives at the servers but direct connects", async ({ skip }) => {
  const proxies = await Promise.all([3128, 1080].map((port) => isListening(port)));
  skip(proxies.includes(true), "a proxy of this machine's own listens on 3128 or 1080");
  const servers = await startServers();
  try {
    const traffic = await tryTraffic(servers.targets);
    const through = Object.entries(traffic).filter(([, attempt]) => attempt?.ok);
    expect(through.map(([name]) => name)).toEqual(
      servers.targets.address ? ["direct", "directToAddress"] : ["direct"],
    );
    expect(servers.arrivals).toEqual({ http: 0, https: 0, socks: 0, ftp: 0, grpc: 0, blocked: 0 });
  } finally {
    servers.close();
  }
});
