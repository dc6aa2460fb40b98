import { once } from "node:events";
import net from "node:net";
import { performance } from "node:perf_hooks";
import { answerHead } from "./answer.mjs";

/**
 * Runs inside the cell: `throughput-client.mjs PORT DOWNLOAD_BYTES REQUESTS CONNECTS`. Goes through the proxy that
 * HTTP_PROXY names, or straight where there is none, and prints what it measured as JSON.
 */
const [port = 0, downloadBytes = 0, requests = 0, connects = 0] = process.argv.slice(2).map(Number);
const target = `127.0.0.1:${port}`;
const proxy = process.env["HTTP_PROXY"] === undefined ? undefined : new URL(process.env["HTTP_PROXY"]);

const SMALL = 100;
const CONNECTIONS = 8;

function authorization() {
  if (!proxy?.username) return "";
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Proxy-Authorization: Basic ${Buffer.from(pair).toString("base64")}\r\n`;
}

/** A connection to the server, through the proxy's CONNECT where there is one. */
async function connect() {
  const socket = net.connect(
    proxy === undefined ? { host: "127.0.0.1", port } : { host: proxy.hostname, port: Number(proxy.port) },
  );
  socket.setNoDelay(true);
  await once(socket, "connect");
  if (proxy === undefined) return socket;
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization()}\r\n`);
  let head = "";
  while (!head.includes("\r\n\r\n")) head += (await once(socket, "data"))[0].toString("latin1");
  if (!/^HTTP\/1\.1 200 /.test(head)) throw new Error(`CONNECT was answered: ${head}`);
  return socket;
}

/** One request, to the last byte of its answer. @param {net.Socket} socket @param {number} bytes */
function exchange(socket, bytes) {
  let left = answerHead(bytes).length + bytes;
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error(`The connection was closed ${left} bytes too early.`));
    const read = (/** @type {Buffer} */ data) => {
      left -= data.length;
      if (left > 0) return;
      socket.off("data", read).off("close", closed);
      resolve(undefined);
    };
    socket.on("data", read).once("close", closed);
    socket.write(`GET /${bytes} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  });
}

/** @param {() => Promise<void>} work @returns {Promise<number>} seconds */
async function timed(work) {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, connect));
const [first] = sockets;
if (first === undefined) throw new Error("There is no connection.");
await exchange(first, SMALL);

const downloadSeconds = await timed(() => exchange(first, downloadBytes));
const requestSeconds = await timed(async () => {
  const each = async (/** @type {net.Socket} */ socket) => {
    for (let sent = 0; sent < requests / CONNECTIONS; sent++) await exchange(socket, SMALL);
  };
  await Promise.all(sockets.map(each));
});
const connectSeconds = await timed(async () => {
  for (let made = 0; made < connects; made++) {
    const socket = await connect();
    await exchange(socket, SMALL);
    socket.destroy();
  }
});
for (const socket of sockets) socket.destroy();
const figures = {
  megabytesPerSecond: downloadBytes / 1e6 / downloadSeconds,
  requestsPerSecond: requests / requestSeconds,
  msPerConnect: (connectSeconds * 1000) / connects,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
