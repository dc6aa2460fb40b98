import { readFileSync } from "node:fs";
import tls from "node:tls";
import type { NetworkPolicy, RouteUpstream } from "../model/index.ts";
import { connected } from "./connected.ts";
import { type Dialled, dial } from "./dial.ts";
import type { Sealing, ServedCell } from "./served-cell.ts";
import { plainFaucet } from "./splice.ts";

const timeoutMs = 20_000;

/** Connects to a route's upstream as `network` allows it, by TLS where it is spoken there. */
export async function dialUpstream(
  cell: ServedCell,
  upstream: RouteUpstream,
  network: NetworkPolicy,
): Promise<Dialled> {
  const dialler = { context: { ...cell.context, network }, track: cell.track.bind(cell) };
  if (!upstream.secure) return dial(dialler, upstream, "request");
  const dialled = await dial(dialler, upstream, "sealed");
  if (dialled.state !== "connected") return dialled;
  const socket = tls.connect({
    socket: dialled.faucet.socket,
    secureContext: trust(cell.context.sealing),
    ...(upstream.kind === "name" ? { servername: upstream.host } : { host: upstream.host }),
    ALPNProtocols: ["http/1.1"],
    // SECURITY(P15): NODE_TLS_REJECT_UNAUTHORIZED must not hand the credential to whoever answers.
    rejectUnauthorized: true,
  });
  cell.track(socket);
  const failure = await connected(socket, { event: "secureConnect", timeoutMs });
  const { address } = dialled;
  if (failure === undefined) return { state: "connected", faucet: plainFaucet(socket, []), address };
  return { state: "failed", failure: `TLS: ${failure}${howToTrust(failure)}`, address };
}

/** An authority of a company's own is the usual reason. */
function howToTrust(failure: string): string {
  const isUnknown = /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF|UNABLE_TO_(VERIFY|GET_ISSUER))/.test(failure);
  return isUnknown ? "; name the PEM file of its authority in NODE_EXTRA_CA_CERTS when Workcell starts" : "";
}

/** The usual authorities, and those of the files that can be read: without one less is trusted, not more. */
function trust(sealing: Sealing): tls.SecureContext {
  if (sealing.context !== undefined) return sealing.context;
  const more = sealing.authorities.flatMap((file) => {
    try {
      return [readFileSync(file, "utf8")];
    } catch {
      return [];
    }
  });
  sealing.context = tls.createSecureContext(
    more.length === 0 ? {} : { ca: [...tls.rootCertificates, ...more] },
  );
  return sealing.context;
}
