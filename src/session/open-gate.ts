import { chmodSync, closeSync, openSync } from "node:fs";
import { createGate, upstreamFromEnvironment } from "../gate/index.ts";
import type { AuditEvent, Denial, Plan, Policy } from "../model/index.ts";

export interface CellGate {
  close(): Promise<void>;
}

interface GateInput {
  readonly plan: Plan;
  readonly policy: Policy;
  readonly env: Readonly<Record<string, string>>;
  emit(event: AuditEvent): void;
  denied(denial: Denial): void;
}

/** Opens the gate's two sockets in the folder that the cell sees as /tmp. Resolves when both listen. */
export async function openGate(input: GateInput): Promise<CellGate> {
  const { plan, policy, env, emit, denied } = input;
  const { folder, http, socks } = plan.sockets;
  // A socket's path may have 107 bytes; through the folder's descriptor it has about 40, wherever the state lies.
  const fd = openSync(folder, "r");
  const at = (name: string) => `/proc/self/fd/${fd}/${name}`;
  const gate = createGate({ upstream: upstreamFromEnvironment(env) });
  const served = gate.serve({
    network: policy.network,
    sockets: { http: at(http), socks: at(socks) },
    session: plan.session,
    cell: plan.cell,
    emit,
    denied,
  });
  await served.ready;
  // The forwarders of a root's cell connect as the session's user.
  if (plan.root !== undefined) for (const name of [http, socks]) chmodSync(at(name), 0o666);
  return {
    close: async () => {
      await served.close();
      closeSync(fd);
    },
  };
}
