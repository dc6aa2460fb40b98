import { closeSync, openSync } from "node:fs";
import { type CellEnds, createGate, type Served, upstreamFromEnvironment } from "../gate/index.ts";
import type { AuditEvent, Denial, Plan, Policy } from "../model/index.ts";

export interface CellGate {
  close(): Promise<void>;
}

interface GateInput {
  readonly plan: Plan;
  /** Direct tunnel: the sockets that were made inside the cell. */
  readonly listeners?: { readonly http: object; readonly socks: object };
  readonly policy: Policy;
  readonly env: Readonly<Record<string, string>>;
  emit(event: AuditEvent): void;
  denied(denial: Denial): void;
}

function serve(input: GateInput, sockets: CellEnds["sockets"]): Served {
  const { plan, policy, env, emit, denied } = input;
  const gate = createGate({ upstream: upstreamFromEnvironment(env) });
  const { session, cell } = plan;
  return gate.serve({ network: policy.network, sockets, session, cell, emit, denied });
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
