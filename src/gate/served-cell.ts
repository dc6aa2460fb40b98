import type net from "node:net";
import type tls from "node:tls";
import { monotonicMs } from "../lib/monotonic.ts";
import { shortLine } from "../lib/short-line.ts";
import type {
  Answer,
  AuditEvent,
  CredentialReader,
  Denial,
  HostQuestion,
  NetworkPolicy,
} from "../model/index.ts";
import { authorityText, type HostAnswer, mayConnect } from "../policy/index.ts";
import type { UpstreamProxies } from "./machine-proxy.ts";
import type { Resolver } from "./resolve.ts";

/** What TLS to the upstreams of routes is spoken with. */
export interface Sealing {
  /** PEM files with authorities to trust besides the usual ones. */
  readonly authorities: readonly string[];
  /** Made of them with the first such connection. */
  context?: tls.SecureContext;
}

/** What every connection of one cell needs to know and to tell. */
export interface CellContext {
  readonly network: NetworkPolicy;
  readonly session: string;
  readonly cell: string;
  readonly upstream: UpstreamProxies;
  readonly resolve: Resolver;
  readonly ownAddresses: () => Promise<readonly string[]>;
  /** Path of a PEM file with further authorities, for proxies spoken to by TLS. */
  readonly extraCa: string | undefined;
  /** Who gives the credential of a route, by its name. */
  readonly credentials: ReadonlyMap<string, CredentialReader>;
  readonly sealing: Sealing;
  /** A head must be whole this long after its first byte, in ms. */
  readonly headTimeoutMs: number;
  emit(event: AuditEvent): void;
  denied(denial: Denial): void;
}

/** A decision whose connection is still open; finished exactly once. */
export interface OpenEntry {
  bytesUp: number;
  bytesDown: number;
  address: string | undefined;
  /** Requests by a route: where it led, and the answer's status. */
  upstream?: string;
  status?: number;
  finish(failure?: string): void;
}

/** One cell at the gate: what it may, what is open, and how all of it ends. */
export class ServedCell {
  readonly context: CellContext;
  readonly #sockets = new Set<net.Socket>();
  readonly #entries = new Set<OpenEntry>();
  #closed = false;

  constructor(context: CellContext) {
    this.context = context;
  }

  /** Ties a socket's life to the cell's; no error of it ends the process. */
  track(socket: net.Socket): void {
    // An error is always followed by close, and whoever reads or writes notices that.
    socket.on("error", () => {});
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
  }

  /** Decides by name, and records a refusal at once. */
  decide(question: HostQuestion, kind: AuditEvent["kind"]): HostAnswer {
    const answer = mayConnect(this.context.network, question);
    if (answer.decision === "deny") this.refuse(answer, kind, subjectOf(question));
    return answer;
  }

  /** Records that a layer of policy refused. */
  refuse(answer: Answer, kind: AuditEvent["kind"], subject: string): void {
    this.#emit({ ...this.#event(answer, kind, subject), decision: "deny" });
    const { rule, origin, remedy = "" } = answer;
    const what = shortLine(kind === "connect" ? `connect ${subject}` : subject);
    this.context.denied({ layer: "gate", rule: shortLine(rule), origin, what, remedy: shortLine(remedy) });
  }

  /** Records a message that could not be taken as a question at all. */
  malformed(reason: string, kind: AuditEvent["kind"], subject: string): void {
    const answer = { layer: "gate", rule: `malformed: ${reason}`, origin: "built in" } as const;
    this.#emit({ ...this.#event({ ...answer, decision: "deny" }, kind, subject), decision: "deny" });
  }

  /** Opens the record of something allowed; it is written when it ends. */
  open(answer: Answer, kind: AuditEvent["kind"], subject: string): OpenEntry {
    const startedMs = monotonicMs();
    const event = this.#event(answer, kind, subject);
    const entry: OpenEntry = {
      bytesUp: 0,
      bytesDown: 0,
      address: undefined,
      finish: (failure) => {
        if (!this.#entries.delete(entry)) return;
        const { bytesUp, bytesDown, address, upstream, status } = entry;
        const durationMs = Math.round((monotonicMs() - startedMs) * 1000) / 1000;
        const extra = {
          ...(address !== undefined && { address }),
          ...(upstream !== undefined && { upstream }),
          ...(status !== undefined && { status }),
          ...(failure !== undefined && { failure }),
        };
        this.#emit({ ...event, ...extra, bytesUp, bytesDown, durationMs });
      },
    };
    this.#entries.add(entry);
    return entry;
  }

  /** Takes an allowance back that the address check refused. */
  withdraw(entry: OpenEntry): void {
    this.#entries.delete(entry);
  }

  /** Writes every open record, then ends every connection. */
  close(): void {
    this.#closed = true;
    for (const entry of [...this.#entries]) entry.finish();
    for (const socket of [...this.#sockets]) socket.destroy();
  }

  #event(answer: Answer, kind: AuditEvent["kind"], subject: string): AuditEvent {
    const { session, cell } = this.context;
    const { decision, layer, rule, origin } = answer;
    return {
      session,
      cell,
      kind,
      decision,
      layer,
      rule: shortLine(rule),
      origin,
      subject: shortLine(subject),
    };
  }

  #emit(event: AuditEvent): void {
    this.context.emit(event);
  }
}

/** `host:port` for a connection, `GET http://host/path` for a request; never the query, which may hold a secret. */
export function subjectOf(question: HostQuestion): string {
  const { host, port, method, path = "/" } = question;
  if (method === undefined) return authorityText(host, port);
  return `${method} http://${authorityText(host, port, 80)}${path}`;
}
