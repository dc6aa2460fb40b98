import os from "node:os";
import type { Check, Finding } from "./examination.ts";

export interface Machine {
  readonly kernel: string;
  /** As Node names it. */
  readonly arch: string;
  readonly node: string;
}

function isBelow(version: string, least: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return major < least[0] || (major === least[0] && minor < least[1]);
}

/** Judges versions and architecture. */
export function judgeMachine({ kernel, arch, node }: Machine): Finding {
  const name = { x64: "x86_64", arm64: "aarch64" }[arch];
  const found = `Linux ${kernel}, ${name ?? arch}, Node ${node}`;
  if (name === undefined)
    return { status: "missing", found, remedy: "Run Workcell on an x86_64 or aarch64 machine" };
  if (isBelow(node, [20, 19])) return { status: "missing", found, remedy: "Install Node 20.19 or newer" };
  if (isBelow(kernel, [5, 12])) return { status: "weaker", found, remedy: "Run a kernel of 5.12 or newer" };
  return { status: "ok", found };
}

/** Kernel, architecture and Node: the code for them runs, or there is none. */
export const checkMachine: Check = {
  id: "machine",
  title: "kernel, CPU, Node",
  needed: "Linux 5.12, x86_64 or aarch64, Node 20.19",
  without:
    "On another CPU no cell starts, for filters name calls by number; older kernels lack overlay and idmaps",
  examine: async () =>
    judgeMachine({ kernel: os.release(), arch: process.arch, node: process.versions.node }),
};
