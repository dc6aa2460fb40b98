import { closeSync, openSync } from "node:fs";
import { type CellEnds, createGate, type Served, upstreamFromEnvironment } from "../gate/index.ts";
import type { AuditEvent, CredentialReader, Denial, Plan, Policy } from "../model/index.ts";

export interface CellGate {
  close(): Promise<void>;
}

interface GateInput {
  readonly plan: Plan;
  /** Direct tunnel: the sockets that were made inside the cell. */
  readonly listeners?: { readonly http: object; readonly socks: object };
  readonly policy: Policy;
  readonly env: Readonly<Record<string, string>>;
  /** Who gives the credentials of routes; absent: no route has one. */
  readonly credentials?: ReadonlyMap<string, CredentialReader>;
  emit(event: AuditEvent): void;
  denied(denial: Denial): void;
}

/** Variables that name a PEM file of authorities which this machine trusts. */
const authorityVariables = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];

function serve(input: GateInput, sockets: CellEnds["sockets"]): Served {
  const { plan, policy, env, credentials, emit, denied } = input;
  const authorities = authorityVariables.flatMap((name) => env[name] || []);
  const gate = createGate({ upstream: upstreamFromEnvironment(env), authorities });
  const { session, cell } = plan;
  const ends = { network: policy.network, sockets, session, cell, emit, denied };
  return gate.serve({ ...ends, ...(credentials && { credentials }) });
}

/**
 * Opens the gate's two sockets: in the folder that the cell sees as /tmp, or those that the cell made itself.
 * Resolves when both listen.
 */
export async function openGate(input: GateInput): Promise<CellGate> {
  if (input.listeners !== undefined) {
    const served = serve(input, input.listeners);
    await served.ready;
    return served;
  }
  const { plan } = input;
  const { folder, http, socks } = plan.sockets;
  // A socket's path may have 107 bytes; through the folder's descriptor it has about 40, wherever the state lies.
  const fd = openSync(folder, "r");
  const at = (name: string) => `/proc/self/fd/${fd}/${name}`;
  const served = serve(input, { http: at(http), socks: at(socks) });
  await served.ready;
  return {
    close: async () => {
      await served.close();
      closeSync(fd);
    },
  };
}
