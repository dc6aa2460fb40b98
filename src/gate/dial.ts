import net from "node:net";
import { codeOf } from "../errors/index.ts";
import type { Answer } from "../model/index.ts";
import { mayDial } from "../policy/index.ts";
import { connected } from "./connected.ts";
import type { Authority } from "./http-target.ts";
import { proxyFor } from "./machine-proxy.ts";
import type { ServedCell } from "./served-cell.ts";
import { type Faucet, fastFaucet, plainFaucet } from "./splice.ts";

/** How a dial ended. `address` is what was connected to, or tried last. */
export type Dialled =
  | {
      readonly state: "connected";
      readonly faucet: Faucet;
      readonly address: string;
      /** Set when the far side is a proxy that takes absolute targets. */
      readonly proxyHeaders?: Readonly<Record<string, string>>;
    }
  | { readonly state: "denied"; readonly answer: Answer }
  | { readonly state: "failed"; readonly failure: string; readonly address?: string };

/** What the connection is for: a tunnel is only spliced, a request is read by the gate, which itself seals a sealed one. */
export type Purpose = "tunnel" | "request" | "sealed";

/** For whom is dialled. */
export type Dialler = Pick<ServedCell, "context" | "track">;

const lastTimeoutMs = 20_000;
const nextTimeoutMs = 5_000;
const limitAddresses = 8;

/**
 * Connects to an allowed target. A name is resolved once, each address is checked, and those very addresses are
 * dialled; through the machine's own proxy a name goes as a name.
 */
export async function dial(cell: Dialler, target: Authority, purpose: Purpose): Promise<Dialled> {
  const proxy = proxyFor(cell.context.upstream, target);
  if (proxy !== undefined) {
    const checked = target.kind === "address" ? await check(cell, target, [target.host]) : undefined;
    if (checked?.state === "denied") return checked;
    if (!proxy.usable) return { state: "failed", failure: proxy.reason };
    const { dialByProxy } = await import("./proxy-dial.ts");
    return dialByProxy(cell, { proxy, target, purpose });
  }
  const found =
    target.kind === "address" ? { addresses: [target.host] } : await resolveOnce(cell, target.host);
  if ("failure" in found) return { state: "failed", failure: found.failure };
  const checked = await check(cell, target, found.addresses);
  return checked.state === "denied"
    ? checked
    : connectFirst(cell, { ...checked, port: target.port, purpose });
}

async function resolveOnce(cell: Dialler, host: string) {
  try {
    const addresses = await cell.context.resolve(host);
    return addresses.length > 0 ? { addresses } : { failure: "ENOTFOUND" };
  } catch (error) {
    return { failure: codeOf(error) ?? "ENOTFOUND" };
  }
}

type Checked =
  | { readonly state: "checked"; readonly addresses: readonly string[] }
  | { readonly state: "denied"; readonly answer: Answer };

/** Keeps the addresses that may be dialled; with none left, the first refusal counts. */
async function check(cell: Dialler, target: Authority, addresses: readonly string[]): Promise<Checked> {
  const ownAddresses = await cell.context.ownAddresses();
  const answers = addresses.slice(0, limitAddresses).map((address) => ({
    address,
    answer: mayDial(cell.context.network, { asked: target, address, ownAddresses }),
  }));
  const allowed = answers.filter(({ answer }) => answer.decision === "allow").map(({ address }) => address);
  const [first] = answers;
  if (allowed.length > 0 || first === undefined) return { state: "checked", addresses: allowed };
  return { state: "denied", answer: first.answer };
}

async function connectFirst(
  cell: Dialler,
  options: { readonly addresses: readonly string[]; readonly port: number; readonly purpose: Purpose },
): Promise<Dialled> {
  let failed: Dialled = { state: "failed", failure: "ENOTFOUND" };
  for (const [index, address] of options.addresses.entries()) {
    const timeoutMs = index === options.addresses.length - 1 ? lastTimeoutMs : nextTimeoutMs;
    const tcp = {
      host: address,
      port: options.port,
      allowHalfOpen: true,
      noDelay: true,
      autoSelectFamily: false,
    };
    const faucet = options.purpose === "tunnel" ? fastFaucet(tcp) : plainFaucet(net.connect(tcp), []);
    cell.track(faucet.socket);
    const failure = await connected(faucet.socket, { event: "connect", timeoutMs });
    if (failure === undefined) return { state: "connected", faucet, address };
    failed = { state: "failed", failure, address };
  }
  return failed;
}
