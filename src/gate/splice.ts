import net from "node:net";
import type { OpenEntry } from "./served-cell.ts";

/** A connected upstream whose bytes wait until somebody takes them. */
export interface Faucet {
  readonly socket: net.Socket;
  /** Hands every byte on to the sink, at the sink's pace, and its end. */
  open(sink: net.Socket, count: (bytes: number) => void): void;
}

const smallBytes = 64 * 1024;
const largeBytes = 1024 * 1024;

/** A faucet over any socket. */
export function plainFaucet(socket: net.Socket, early: readonly Buffer[]): Faucet {
  return {
    socket,
    open(sink, count) {
      const pass = (chunk: Buffer) => {
        count(chunk.length);
        if (!sink.write(chunk)) socket.pause();
      };
      sink.on("drain", () => socket.resume());
      for (const chunk of early) pass(chunk);
      socket.on("data", pass);
      if (socket.readableEnded) sink.end();
      else socket.on("end", () => sink.end());
      if (!sink.writableNeedDrain) socket.resume();
    },
  };
}

/**
 * Connects a faucet that reads into one buffer of its own, again and again: twice as fast as streams. The buffer is
 * large only once a small one has been filled, and is read into again only when its last bytes have been written.
 */
export function fastFaucet(options: net.TcpNetConnectOpts): Faucet {
  let buffer = Buffer.allocUnsafeSlow(smallBytes);
  let sink: net.Socket | undefined;
  let count = (_bytes: number) => {};
  let early: Buffer | undefined;
  let waiting = false;

  const resume = () => {
    if (!waiting || (sink?.writableLength ?? 0) > 0) return;
    waiting = false;
    socket.resume();
  };
  const pass = (chunk: Buffer): boolean => {
    if (sink === undefined) return true;
    count(chunk.length);
    sink.write(chunk, resume);
    waiting = sink.writableLength > 0;
    return !waiting;
  };
  const callback = (length: number): boolean => {
    if (sink === undefined) {
      early = Buffer.from(buffer.subarray(0, length));
      return false;
    }
    const goesOn = pass(buffer.subarray(0, length));
    if (length === buffer.length && length < largeBytes) buffer = Buffer.allocUnsafeSlow(largeBytes);
    return goesOn;
  };
  const socket = net.connect({ ...options, onread: { buffer: () => buffer, callback } });

  return {
    socket,
    open(to, counter) {
      sink = to;
      count = counter;
      socket.on("end", () => to.end());
      if (socket.readableEnded) to.end();
      if (early === undefined || pass(early)) socket.resume();
      early = undefined;
    },
  };
}

/** Joins a client and an upstream until both have ended, half-closing each as the other does. */
export async function splice(client: Faucet, upstream: Faucet, entry: OpenEntry): Promise<void> {
  const [near, far] = [client.socket, upstream.socket];
  const closed = Promise.all([near, far].map((socket) => closeOf(socket)));
  near.on("close", (failed) => endOther(far, failed));
  far.on("close", (failed) => endOther(near, failed));
  upstream.open(near, (bytes) => {
    entry.bytesDown += bytes;
  });
  client.open(far, (bytes) => {
    entry.bytesUp += bytes;
  });
  if (near.destroyed) far.destroy();
  if (far.destroyed) endOther(near, false);
  await closed;
}

function closeOf(socket: net.Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.on("close", () => resolve());
  });
}

/** What is already written still goes out, unless the connection broke. */
function endOther(socket: net.Socket, failed: boolean): void {
  if (failed) socket.destroy();
  else socket.destroySoon();
}
