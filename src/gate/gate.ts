import net from "node:net";
import { codeOf, WorkcellError } from "../errors/index.ts";
import type { AuditEvent, CredentialReader, Denial, NetworkPolicy } from "../model/index.ts";
import type { UpstreamProxies } from "./machine-proxy.ts";
import { machineAddresses, type Resolver, systemResolver } from "./resolve.ts";
import { ServedCell } from "./served-cell.ts";

export interface GateOptions {
  readonly upstream: UpstreamProxies;
  /** Defaults to the machine's own resolver. */
  readonly resolve?: Resolver;
  /** Addresses of this machine, refused unless named; defaults to those of its interfaces. */
  readonly ownAddresses?: () => readonly string[];
  /** Path of a PEM file with authorities to trust besides the usual ones, when a proxy is spoken to by TLS. */
  readonly extraCa?: string;
  /** Paths of PEM files with authorities to trust besides the usual ones, where a route leads to TLS. */
  readonly authorities?: readonly string[];
  /** Time for a head from its first byte to its last, in ms (30000). */
  readonly headTimeoutMs?: number;
}

/**
 * Where the gate listens for a cell: the path of a UNIX socket (whoever may enter its folder may use it), or a
 * socket that was made inside the cell and handed over.
 */
export type ListeningPlace = string | object;

/** What the gate is told about one cell. */
export interface CellEnds {
  readonly network: NetworkPolicy;
  /** Who gives the credential of a route, by its name; absent: no route has one. */
  readonly credentials?: ReadonlyMap<string, CredentialReader>;
  /** The sockets to listen on. */
  readonly sockets: { readonly http: ListeningPlace; readonly socks: ListeningPlace };
  readonly session: string;
  readonly cell: string;
  emit(event: AuditEvent): void;
  denied?(denial: Denial): void;
}

/** One cell being served. */
export interface Served {
  /** Resolves when both sockets accept; rejects with WC_LAUNCH. */
  readonly ready: Promise<void>;
  /** Writes the records of all that is open, ends it, and stops listening. */
  close(): Promise<void>;
}

export interface Gate {
  serve(cell: CellEnds): Served;
}

const headTimeoutMs = 30_000;
const limitConnections = 1024;

/** Makes a gate; it listens nowhere until it serves a cell. Both protocols are spoken on both sockets of a cell. */
export function createGate(options: GateOptions): Gate {
  const { ownAddresses, authorities = [] } = options;
  const sealing = { authorities };
  return {
    serve(ends) {
      const cell = new ServedCell({
        network: ends.network,
        session: ends.session,
        cell: ends.cell,
        upstream: options.upstream,
        resolve: options.resolve ?? systemResolver,
        ownAddresses: ownAddresses === undefined ? machineAddresses : async () => ownAddresses(),
        extraCa: options.extraCa,
        credentials: ends.credentials ?? new Map(),
        sealing,
        headTimeoutMs: options.headTimeoutMs ?? headTimeoutMs,
        emit: (event) => ends.emit(event),
        denied: (denial) => ends.denied?.(denial),
      });
      const listeners = [listen(cell, ends.sockets.http), listen(cell, ends.sockets.socks)];
      const ready = Promise.all(listeners.map(({ listening }) => listening)).then(() => {});
      // Whoever closes without ever awaiting `ready` must not die of its rejection.
      ready.catch(() => {});
      return {
        ready,
        async close() {
          cell.close();
          await Promise.all(listeners.map(({ server }) => closeServer(server)));
        },
      };
    },
  };
}

function listen(
  cell: ServedCell,
  place: ListeningPlace,
): { readonly server: net.Server; readonly listening: Promise<void> } {
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    cell.track(client);
    // Protocols load with the first connection, not with the gate: a cell may never make one.
    import("./connection.ts")
      .then(({ serveConnection }) => serveConnection(cell, client))
      .catch(() => client.destroy());
  });
  server.maxConnections = limitConnections;
  const listening = new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.on("error", (error) => reject(listenError(place, error)));
  });
  listening.catch(() => {});
  // The cell's user is not always ours. The folder, which only the two may enter, guards the sockets.
  try {
    if (typeof place === "string") listenForAll(server, place);
    else server.listen(place);
  } catch (error) {
    setImmediate(() => server.emit("error", error));
  }
  return { server, listening };
}

/**
 * SECURITY(P1): the socket is made with its mode. A cell may write to the folder it lies in, and could put a link in
 * its place before a chmod by name, which then gave away a file of the host's.
 */
function listenForAll(server: net.Server, place: string): void {
  const mask = process.umask(0);
  try {
    server.listen(place);
  } finally {
    process.umask(mask);
  }
}

function listenError(place: ListeningPlace, cause: Error): WorkcellError {
  const path = typeof place === "string" ? place : "a socket of the cell's own";
  return new WorkcellError("WC_LAUNCH", {
    message: `Cannot listen on "${path}" for the cell's network: ${codeOf(cause) ?? cause.message}`,
    remedy: "Remove the file if it is left over, and see that its folder exists and is writable",
    details: { path },
    cause,
  });
}

async function closeServer(server: net.Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
