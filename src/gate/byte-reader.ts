import type net from "node:net";

/**
 * Pulls bytes off a socket, at most one chunk ahead, so that whoever reads sets the pace and an end is still noticed.
 * It never throws: an error reads as the end, and whoever needs more bytes then knows that they are missing.
 */
export class ByteReader {
  readonly #socket: net.Socket;
  #queue: Buffer[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
  }

  /** The next bytes, or undefined when there are no more. One caller at a time. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        if (this.#queue.length === 0 && !this.#ended) this.#socket.resume();
        return chunk;
      }
      if (this.#ended || this.#socket.destroyed) return undefined;
      this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Gives bytes back, to be read next. */
  putBack(chunk: Buffer): void {
    if (chunk.length > 0) this.#queue.unshift(chunk);
  }

  /** Whether the far side has said that it sends no more; what is queued can still be read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether bytes wait that nobody has asked for. */
  get pending(): boolean {
    return this.#queue.length > 0;
  }

  /** Stops reading for good and hands over what was read ahead; to whoever still waits, the end has come. */
  release(): readonly Buffer[] {
    this.#socket.pause();
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("close", this.#onEnd);
    const left = this.#queue;
    this.#queue = [];
    this.#onEnd();
    return left;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#queue.push(chunk);
    this.#socket.pause();
    this.#awake();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#awake();
  };

  #awake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** Writes, and waits while the far side is slow; false when the socket is gone. */
export async function writeTo(socket: net.Socket, data: Buffer | string): Promise<boolean> {
  if (!socket.writable) return false;
  if (socket.write(data, "latin1")) return true;
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
  return socket.writable;
}
