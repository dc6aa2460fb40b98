import { once } from "node:events";
import { connect, type Socket } from "node:net";

const WAIT_MS = 8000;

/** Connects, and gives up on a silent peer. */
export async function connectTo(where: { host: string; port: number } | { path: string }): Promise<Socket> {
  const socket = connect(where);
  socket.setTimeout(WAIT_MS, () => socket.destroy(new Error(`silent for ${WAIT_MS} ms`)));
  await once(socket, "connect");
  return socket;
}

/** Reads exactly so many bytes, and leaves all others for whoever reads next. */
export async function take(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes: Buffer | null = socket.read(count);
    if (bytes !== null && bytes.length === count) return bytes;
    if (socket.readableEnded || bytes !== null) throw new Error("the connection ended early");
    const ended = new AbortController();
    await Promise.race([
      once(socket, "readable", { signal: ended.signal }),
      once(socket, "end", { signal: ended.signal }),
    ]).finally(() => ended.abort());
  }
}

/** Reads up to and with `end`. */
export async function takeUntil(socket: Socket, end: string): Promise<string> {
  let text = "";
  while (!text.endsWith(end)) {
    if (text.length > 16_384) throw new Error("the answer's head is too long");
    text += (await take(socket, 1)).toString("latin1");
  }
  return text;
}

/** Reads to the end of the connection. */
export async function takeAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}

/** A connection by CONNECT through the HTTP port. */
export async function connectByHttp(host: string, port: number): Promise<Socket> {
  const socket = await connectTo({ host: "localhost", port: 3128 });
  socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
  const head = await takeUntil(socket, "\r\n\r\n");
  if (!/^HTTP\/1\.[01] 200 /.test(head)) throw new Error(head.split("\r\n")[0]);
  return socket;
}

/** A connection by name through the SOCKS port: the name resolves at the other end. */
export async function connectBySocks(host: string, port: number): Promise<Socket> {
  const socket = await connectTo({ host: "localhost", port: 1080 });
  socket.write(Buffer.from([5, 1, 0]));
  const greeting = await take(socket, 2);
  if (greeting[0] !== 5 || greeting[1] !== 0) throw new Error(`SOCKS greeting ${greeting.toString("hex")}`);
  const name = Buffer.from(host);
  socket.write(
    Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 255])]),
  );
  const reply = await take(socket, 4);
  if (reply[1] !== 0) throw new Error(`SOCKS reply ${reply[1]}`);
  const length = reply[3] === 1 ? 4 : reply[3] === 4 ? 16 : (await take(socket, 1))[0];
  await take(socket, (length ?? 0) + 2);
  return socket;
}
