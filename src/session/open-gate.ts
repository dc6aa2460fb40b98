import { closeSync, openSync } from "node:fs";
import { type CellEnds, createGate, type Served, upstreamFromEnvironment } from "../gate/index.ts";
import type { AuditEvent, CredentialReader, Denial, Plan, Policy } from "../model/index.ts";

export interface CellGate {
  close(): Promise<void>;
}

interface GateInput {
  readonly plan: Plan;
  readonly policy: Policy;
  readonly env: Readonly<Record<string, string>>;
  /** Who gives the credentials of routes; absent: no route has one. */
  readonly credentials?: ReadonlyMap<string, CredentialReader>;
  emit(event: AuditEvent): void;
  denied(denial: Denial): void;
}

/** Variables that name a PEM file of authorities which this machine trusts. */
const authorityVariables = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];

/** A cell's gate that listens nowhere yet: all of it is made while the cell itself is. */
export interface ReadyGate {
  /** Listens on those sockets that the cell made itself, or in the folder that it sees as /tmp. Resolves when both do. */
  open(listeners?: CellEnds["sockets"]): Promise<CellGate>;
}

/** Makes the gate of a cell. */
export function readyGate(input: GateInput): ReadyGate {
  const { plan, policy, env, credentials, emit, denied } = input;
  const authorities = authorityVariables.flatMap((name) => env[name] || []);
  const gate = createGate({ upstream: upstreamFromEnvironment(env), authorities });
  const { session, cell } = plan;
  const ends = { network: policy.network, session, cell, emit, denied, ...(credentials && { credentials }) };
  const serve = async (sockets: CellEnds["sockets"]) => {
    const served = gate.serve({ ...ends, sockets });
    await served.ready;
    return served;
  };
  return {
    open: async (listeners) => (listeners === undefined ? openInFolder(plan, serve) : serve(listeners)),
  };
}

async function openInFolder(
  { sockets: { folder, http, socks } }: Plan,
  serve: (sockets: CellEnds["sockets"]) => Promise<Served>,
): Promise<CellGate> {
  // A socket's path may have 107 bytes; through the folder's descriptor it has about 40, wherever the state lies.
  const fd = openSync(folder, "r");
  const at = (name: string) => `/proc/self/fd/${fd}/${name}`;
  const served = await serve({ http: at(http), socks: at(socks) });
  return {
    close: async () => {
      await served.close();
      closeSync(fd);
    },
  };
}
