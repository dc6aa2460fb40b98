import type { InsideView, OutsideView } from "./observations.ts";

/** The two ports of a cell, by what they are called in the names of the gate's sockets. */
export const tunnelPorts = { http: 3128, socks: 1080 } as const;

export type TunnelKind = keyof typeof tunnelPorts;

/** Path of the gate's socket inside, empty when there is none. */
export function socketOf(inside: InsideView, kind: TunnelKind): string {
  const pattern = new RegExp(`^/tmp/claude-${kind}-[^/]+\\.sock$`);
  return inside.sockets.find((file) => pattern.test(file)) ?? "";
}

/** True when the gate accepts on the cell's own port: its listening socket is Workcell's. */
export function isHeldByGate(outside: OutsideView, kind: TunnelKind): boolean {
  return outside.heldPorts.includes(tunnelPorts[kind]);
}

/** What carries a port's traffic to the host, in words. */
export function carrierOf(inside: InsideView, outside: OutsideView, kind: TunnelKind): string {
  const port = tunnelPorts[kind];
  if (isHeldByGate(outside, kind))
    return `no forwarder: the gate itself accepts on ${port}, on a socket made in the cell`;
  return `through ${socketOf(inside, kind) || "no socket"}`;
}
