import { closeSync, openSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type How, lacking, people, useHouse } from "../helpers/cell.ts";

const absent = lacking({});
const house = useHouse();
const open: number[] = [];

afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd);
});

const secretText = "what only the host may read";

/** Low and high, a file and a folder: Node closes only the low ones of what it inherited. From 10 on bash has its own. */
const numbers = { lowFile: 9, highFile: 77, folder: 7, highFolder: 1009 };

function inherit(): { how: How; secret: string } {
  const secret = path.join(house.folder, "secret");
  writeFileSync(secret, secretText, { mode: 0o600 });
  const places = { lowFile: secret, highFile: secret, folder: house.folder, highFolder: house.folder };
  const opened = Object.entries(places).map(([name, place]) => {
    const fd = openSync(place, "r");
    open.push(fd);
    return [numbers[name as keyof typeof numbers], fd] as const;
  });
  return { how: { inherit: Object.fromEntries(opened) }, secret };
}

/** Every way to an inherited descriptor: by its number, and through what /proc shows of these processes. */
const readAll = (processes: string) => `
  for fd in ${Object.values(numbers).join(" ")}; do
    eval "timeout 2 cat <&$fd"
    for process in ${processes}; do
      timeout 2 cat $process/fd/$fd
      timeout 2 cat $process/fd/$fd/secret
    done
  done 2>/dev/null
  true`;

/** Descriptors of the shell that is the command; it looks by a program of its own. */
const listOwn = "ls /proc/$$/fd; true";

describe.skipIf(absent.length > 0)("P4: no descriptor but 0 to 2", () => {
  test.for(people)("what Workcell inherited is within nobody's reach in a cell of $name", async (person) => {
    const { how } = inherit();
    const inside = await house.inside(person, [], ["bash", "-c", readAll("/proc/[0-9]*")], how);
    expect(inside).toEqual({ status: 0, signal: null, stdout: "", stderr: "" });
    const outside = await house.outside(person, ["bash", "-c", readAll("/proc/$$")], how);
    expect(outside.stdout).toContain(secretText);
  });

  test.for(people)("each of them alone can be read without a cell, as $name", async (person) => {
    const { how } = inherit();
    const each = `cat <&${numbers.lowFile}; echo; cat <&${numbers.highFile}; echo;
      ls /proc/self/fd/${numbers.folder}/secret /proc/self/fd/${numbers.highFolder}/secret | wc -l`;
    const { stdout } = await house.outside(person, ["bash", "-c", each], how);
    // One file behind two descriptors is one position for each, since it was opened twice.
    expect(stdout).toBe(`${secretText}\n${secretText}\n2\n`);
  });

  test.for(people)("the command of $name begins with 0, 1 and 2 and no other", async (person) => {
    const { how } = inherit();
    const command = ["bash", "-c", listOwn];
    const inside = await house.inside(person, [], command, how);
    expect(inside.stdout).toBe("0\n1\n2\n");
    const outside = await house.outside(person, command, how);
    expect(outside.stdout.split("\n")).toEqual(expect.arrayContaining(["7", "9", "77", "1009"]));
  });

  test.for(people)("a connection that Workcell inherited is not the cell's, as $name", async (person) => {
    await using peer = await makeConnection();
    const how: How = { inherit: { 78: peer.fd } };
    const say = "printf hello >&78";
    await house.inside(person, [], ["bash", "-c", say], how);
    expect(peer.heard()).toBe("");
    await house.outside(person, ["bash", "-c", say], how);
    await peer.untilHeard();
    expect(peer.heard()).toBe("hello");
  });
});

/** A connection of which a child can be given one end. */
async function makeConnection() {
  let heard = "";
  const server = net.createServer((socket) => {
    socket.setEncoding("utf8").on("data", (text: string) => {
      heard += text;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const socket = net.connect(port, "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  const fd = (socket as unknown as { _handle: { fd: number } })._handle.fd;
  return {
    fd,
    heard: () => heard,
    untilHeard: async () => {
      for (let tries = 0; heard === "" && tries < 200; tries += 1) await new Promise((r) => setTimeout(r, 5));
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
