import { randomUUID } from "node:crypto";

const GONE = "the host has gone";

type Json = Readonly<Record<string, unknown>>;

/** What the host asks of the agent; what it answers goes back to the host. */
export type Handler = (request: Json) => Json;

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Questions and answers between the agent and the host that started it, by Claude Code's control messages. */
export class Control {
  readonly #write: (message: object) => void;
  readonly #waiting = new Map<
    string,
    { readonly resolve: (answer: Json) => void; readonly reject: (error: Error) => void }
  >();
  readonly #handlers: Readonly<Record<string, Handler>>;

  #isClosed = false;

  constructor(write: (message: object) => void, handlers: Readonly<Record<string, Handler>>) {
    this.#write = write;
    this.#handlers = handlers;
  }

  /** Asks the host, and waits; the question is taken back when the person interrupts. */
  ask(request: Json, signal: AbortSignal): Promise<Json> {
    if (this.#isClosed) return Promise.reject(new Error(GONE));
    const request_id = randomUUID();
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        this.#waiting.delete(request_id);
        signal.removeEventListener("abort", stop);
        then();
      };
      const stop = () =>
        settle(() => {
          this.#write({ type: "control_cancel_request", request_id });
          reject(new Error("interrupted"));
        });
      this.#waiting.set(request_id, {
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      });
      signal.addEventListener("abort", stop, { once: true });
      this.#write({ type: "control_request", request_id, request });
      if (signal.aborted) stop();
    });
  }

  /** Takes a message if it is a control message. */
  take(message: Json): boolean {
    if (message["type"] === "control_request") {
      this.#answer(message);
      return true;
    }
    if (message["type"] === "control_response") {
      this.#settle(message["response"]);
      return true;
    }
    return message["type"] === "control_cancel_request" || message["type"] === "keep_alive";
  }

  /** The host is gone: nobody will answer. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of [...this.#waiting.values()]) reject(new Error(GONE));
  }

  #settle(response: unknown): void {
    if (!isRecord(response)) return;
    const waiting = this.#waiting.get(`${response["request_id"]}`);
    if (response["subtype"] === "success")
      waiting?.resolve(isRecord(response["response"]) ? response["response"] : {});
    else waiting?.reject(new Error(`${response["error"] ?? "the host answered with an error"}`));
  }

  #answer({ request_id, request }: Json): void {
    const subtype = isRecord(request) ? `${request["subtype"]}` : "";
    const respond = (response: Json) =>
      this.#write({ type: "control_response", response: { ...response, request_id } });
    const handler = Object.hasOwn(this.#handlers, subtype) ? this.#handlers[subtype] : undefined;
    if (handler === undefined || !isRecord(request)) {
      respond({ subtype: "error", error: `The control request "${subtype}" is not known here.` });
      return;
    }
    try {
      respond({ subtype: "success", response: handler(request) });
    } catch (error) {
      respond({ subtype: "error", error: error instanceof Error ? error.message : `${error}` });
    }
  }
}
