import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import type { Attempt } from "../../report/index.ts";
import { attempt } from "./attempt.ts";
import { readProcesses } from "./processes.ts";
import type { Belongings } from "./task.ts";
import { connectTo, takeAll } from "./tunnel.ts";

async function listen(where: string | number, mark: string): Promise<number> {
  const server = createServer((socket) => socket.end(mark).on("error", () => {}));
  if (typeof where === "number") server.listen(where, "127.0.0.1");
  else server.listen(where);
  await once(server, "listening");
  // The owner ends when its time is over, whoever still listens.
  server.unref();
  const address = server.address() as AddressInfo | string;
  return typeof address === "string" ? 0 : address.port;
}

/** Makes one of each kind of thing that one cell could reach of another. */
export async function makeBelongings(mark: string): Promise<Belongings> {
  const home = process.env["HOME"] ?? "/";
  const things = {
    abstract: `\0workcell-${mark}`,
    socket: `/tmp/workcell-${mark}.sock`,
    files: ["/tmp", "/dev/shm", home].map((folder) => `${folder}/workcell-${mark}`),
  };
  for (const file of things.files) writeFileSync(file, mark, { mode: 0o644 });
  await listen(things.abstract, mark);
  await listen(things.socket, mark);
  return { ...things, mark, pids: [process.pid], port: await listen(0, mark) };
}

function expectMark(text: string, mark: string): string {
  if (text !== mark) throw new Error("something else answers");
  return "reached";
}

async function connectAndRead(where: Parameters<typeof connectTo>[0], mark: string): Promise<string> {
  return expectMark(await takeAll(await connectTo(where)), mark);
}

function seeProcess(mark: string): string {
  const seen = readProcesses().find(({ command }) => command.includes(mark));
  if (seen === undefined) throw new Error("not to be seen");
  return `PID ${seen.pid}`;
}

/** A number that stands for a process of one's own says nothing about the other's. */
function signal(pid: number, mark: string): string {
  const found = readProcesses().find((one) => one.pid === pid);
  if (found !== undefined && !found.command.includes(mark))
    throw new Error("ESRCH: the number is one of ours");
  process.kill(pid, 0);
  return "signalled";
}

/** Tries every way to somebody's things; what each is called, and whether it led there. */
export async function reach(others: Belongings): Promise<Record<string, Attempt>> {
  const { mark, pids, abstract, socket, port, files } = others;
  const found: Record<string, Attempt> = {
    "see its processes": await attempt(() => seeProcess(mark)),
    "connect to its abstract socket": await attempt(() => connectAndRead({ path: abstract }, mark)),
    "connect to its socket in /tmp": await attempt(() => connectAndRead({ path: socket }, mark)),
    "connect to its loopback port": await attempt(() => connectAndRead({ host: "127.0.0.1", port }, mark)),
  };
  const signals = await Promise.all(pids.map((pid) => attempt(() => signal(pid, mark))));
  const worst = signals.find(({ ok }) => ok) ?? signals[0];
  if (worst) found["signal it by its host PID"] = worst;
  const places = ["/tmp", "/dev/shm", "its home"];
  for (const [index, file] of files.entries()) {
    const read = () => expectMark(readFileSync(file, "utf8"), mark);
    found[`read its file in ${places[index]}`] = await attempt(read);
  }
  return found;
}
