import type net from "node:net";
import { ByteReader } from "./byte-reader.ts";
import type { ServedCell } from "./served-cell.ts";

/** Serves one client of a cell, which is tracked already: its first byte says which protocol it speaks. */
export async function serveConnection(cell: ServedCell, client: net.Socket): Promise<void> {
  const reader = new ByteReader(client);
  const conversation = { cell, client, reader };
  try {
    const first = await reader.next();
    if (first === undefined) return;
    reader.putBack(first);
    if (first[0] === 5 || first[0] === 4) {
      const { refuseSocks4, serveSocks } = await import("./socks-connection.ts");
      return await (first[0] === 5 ? serveSocks(conversation) : refuseSocks4(conversation));
    }
    const { serveHttp } = await import("./http-connection.ts");
    await serveHttp(conversation);
  } catch (error) {
    // One client's fault must not end the others; the record says that something of ours went wrong.
    const reason = error instanceof Error ? error.message : String(error);
    cell.malformed(`fault of the gate: ${reason}`, "connect", "connection");
  } finally {
    client.destroySoon();
  }
}
