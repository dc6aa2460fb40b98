import { once } from "node:events";
import net from "node:net";
import { answerHead } from "./answer.mjs";

const CHUNK = Buffer.alloc(256 * 1024, "x");

/** Sends so many bytes, waiting for the client; what it did not wait for is given up when it closes. */
function send(/** @type {net.Socket} */ socket, /** @type {number} */ bytes) {
  for (let left = bytes; left > 0; ) {
    const piece = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
    left -= piece.length;
    if (socket.write(piece)) continue;
    const rest = left;
    if (rest > 0) socket.once("drain", () => send(socket, rest));
    return;
  }
}

/** @param {net.Socket} socket */
function serve(socket) {
  let asked = "";
  socket.setNoDelay(true);
  // A client that is done closes as it likes.
  socket.on("error", () => socket.destroy());
  socket.on("data", (data) => {
    asked += data.toString("latin1");
    if (!asked.endsWith("\r\n\r\n")) return;
    const bytes = Number(/^GET \/(\d+) /.exec(asked)?.[1]);
    asked = "";
    socket.write(answerHead(bytes));
    send(socket, bytes);
  });
}

/** Answers `GET /N` with N bytes, on loopback. Ends when disposed. */
export async function openServer() {
  /** @type {Set<net.Socket>} */
  const open = new Set();
  const server = net.createServer((socket) => {
    open.add(socket.once("close", () => open.delete(socket)));
    serve(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
