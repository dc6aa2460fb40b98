import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** State of a listening socket in /proc/PID/net/tcp. */
const LISTEN = "0A";

/** Ports that are listened on in the network namespace of a process, by the inode of the socket. */
function listenersOf(pid: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const file of ["tcp", "tcp6"]) {
    for (const line of readFileSync(`/proc/${pid}/net/${file}`, "utf8").split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      if (state === LISTEN) found.set(inode, Number.parseInt(local.split(":").at(-1) ?? "", 16));
    }
  }
  return found;
}

function socketsOfOurs(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
    } catch {
      // The descriptor that the folder was read by is closed again.
      return [];
    }
  });
}

/** Ports of a cell, PID 1 given, whose listening socket is a descriptor of this very process. */
export function heldListeners(pid: number): number[] {
  const listeners = listenersOf(pid);
  const ports = socketsOfOurs().flatMap((inode) => listeners.get(inode) ?? []);
  return [...new Set(ports)].sort((a, b) => a - b);
}
