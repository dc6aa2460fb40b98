import { isRecord } from "../protocol/control.ts";

type Json = Readonly<Record<string, unknown>>;

/** JSON-RPC's codes, and two of ACP's own. */
export const rpcCodes = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  signIn: -32000,
  missing: -32002,
} as const;

/** What was asked for cannot be done; the other side is told so. */
export class RpcFault extends Error {
  override readonly name = "RpcFault";
  readonly code: number;

  constructor(kind: keyof typeof rpcCodes, message: string) {
    super(message);
    this.code = rpcCodes[kind];
  }
}

export interface Handlers {
  readonly requests: Readonly<Record<string, (params: Json) => Promise<object>>>;
  readonly notifications: Readonly<Record<string, (params: Json) => void>>;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** JSON-RPC 2.0, a message on each line: questions and answers both ways. */
export class JsonRpc {
  readonly #write: (message: object) => void;
  readonly #handlers: Handlers;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #isClosed = false;

  constructor(write: (message: object) => void, handlers: Handlers) {
    this.#write = (message) => write({ jsonrpc: "2.0", ...message });
    this.#handlers = handlers;
  }

  notify(method: string, params: object): void {
    this.#write({ method, params });
  }

  /** Asks the other side; rejects when it answers with an error, is gone, or the question is given up. */
  ask(method: string, params: object, signal: AbortSignal): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new Error("the other side has gone"));
    if (signal.aborted) return Promise.reject(new Error("interrupted"));
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        this.#waiting.delete(id);
        signal.removeEventListener("abort", giveUp);
        then();
      };
      const giveUp = () => settle(() => reject(new Error("interrupted")));
      this.#waiting.set(id, {
        resolve: (result) => settle(() => resolve(result)),
        reject: (error) => settle(() => reject(error)),
      });
      signal.addEventListener("abort", giveUp, { once: true });
      this.#write({ id, method, params });
    });
  }

  /** One line from the other side. */
  take(line: string): void {
    const message = parsed(line);
    if (message === undefined) this.#fail(null, new RpcFault("parse", "This line is not JSON."));
    else if (!isRecord(message)) this.#fail(null, new RpcFault("request", "A message is one JSON object."));
    else if (typeof message["method"] === "string") void this.#answer(message["method"], message);
    else if (!this.#settle(message) && message["id"] === undefined)
      this.#fail(null, new RpcFault("request", "A message has a method, a result or an error."));
  }

  /** Nobody will answer any more. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of [...this.#waiting.values()]) reject(new Error("the other side has gone"));
  }

  async #answer(method: string, { id, params }: Json): Promise<void> {
    const given = isRecord(params) ? params : {};
    if (id === undefined) {
      // What nobody waits for and nobody here knows is left alone.
      if (Object.hasOwn(this.#handlers.notifications, method)) this.#handlers.notifications[method]?.(given);
      return;
    }
    try {
      const handler = Object.hasOwn(this.#handlers.requests, method)
        ? this.#handlers.requests[method]
        : undefined;
      if (handler === undefined) throw new RpcFault("method", `The method "${method}" is not known here.`);
      this.#write({ id, result: await handler(given) });
    } catch (error) {
      this.#fail(id, error);
    }
  }

  #settle({ id, result, error }: Json): boolean {
    const waiting = typeof id === "number" ? this.#waiting.get(id) : undefined;
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(`${isRecord(error) ? error["message"] : error}`));
    return waiting !== undefined;
  }

  #fail(id: unknown, error: unknown): void {
    const code = error instanceof RpcFault ? error.code : rpcCodes.internal;
    this.#write({ id, error: { code, message: error instanceof Error ? error.message : `${error}` } });
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
