import { once } from "node:events";
import { chmodSync, closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { attempt } from "./attempt.ts";

function openTerminal(): string {
  closeSync(openSync("/dev/tty", "r+"));
  return "opened";
}

/** Gives a file of its own the mode; says which it asked for. */
function changeMode(mode: number): string {
  const file = path.join(os.tmpdir(), `workcell-mode-${process.pid}`);
  writeFileSync(file, "");
  try {
    chmodSync(file, mode);
  } finally {
    rmSync(file);
  }
  return `chmod ${mode.toString(8)} went through`;
}

async function listenBelow1024(): Promise<string> {
  const server = createServer().listen(80, "127.0.0.1");
  await once(server, "listening");
  server.close();
  return "listening on port 80";
}

/** Acts that a cell's seals forbid, with the control that the same act without the forbidden part works. */
export async function tryPrivileges() {
  return {
    terminal: await attempt(openTerminal),
    setuidBit: await attempt(() => changeMode(0o4755)),
    plainMode: await attempt(() => changeMode(0o755)),
    privileged: await attempt(listenBelow1024),
  };
}
