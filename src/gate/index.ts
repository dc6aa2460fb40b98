/**
 * gate: the host's end of all network traffic of a cell: HTTP/1.1 forward, CONNECT and SOCKS5.
 * in: a network policy, two UNIX sockets, the machine's own proxies. out: connections that policy allows, audit events.
 * may import: policy, and the ground floor.
 */
export {
  type CellEnds,
  createGate,
  type Gate,
  type GateOptions,
  type ListeningPlace,
  type Served,
} from "./gate.ts";
export {
  type MachineProxy,
  type NoProxyEntry,
  type UnusableProxy,
  type UpstreamProxies,
  upstreamFromEnvironment,
} from "./machine-proxy.ts";
export type { Resolver } from "./resolve.ts";
