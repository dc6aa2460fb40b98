import type { ContentBlock, Message, RawMessageStreamEvent, Usage } from "./messages.ts";
import { ModelFailure } from "./model-failure.ts";

/** What is wrong with a tool call's input, by the call's id: the model is told it instead of a result. */
export type BrokenInputs = ReadonlyMap<string, string>;

/** A whole answer of the model. */
export interface Gathered {
  readonly message: Message;
  readonly brokenInputs: BrokenInputs;
}

/** Puts a streamed answer together; one that ends before its own end is a failure, and nothing of it counts. */
export class Gatherer {
  #message: Message | undefined;
  #content: ContentBlock[] = [];
  readonly #inputs = new Map<number, string>();
  readonly #broken = new Map<string, string>();
  #ended = false;

  take(event: RawMessageStreamEvent): void {
    if (event.type === "message_start") {
      this.#message = event.message;
      this.#content = [...event.message.content];
    } else if (event.type === "content_block_start") {
      this.#content[event.index] = { ...event.content_block };
    } else if (event.type === "content_block_delta") this.#grow(event);
    else if (event.type === "content_block_stop") this.#close(event.index);
    else if (event.type === "message_delta" && this.#message !== undefined) {
      const usage = Object.fromEntries(Object.entries(event.usage).filter(([, value]) => value !== null));
      this.#message = {
        ...this.#message,
        ...event.delta,
        usage: { ...this.#message.usage, ...(usage as Partial<Usage>) },
      };
    } else if (event.type === "message_stop") this.#ended = true;
  }

  #grow({ index, delta }: Extract<RawMessageStreamEvent, { type: "content_block_delta" }>): void {
    const block = this.#content[index];
    if (block === undefined) throw cut("a part without a beginning");
    if (delta.type === "text_delta" && block.type === "text") block.text += delta.text;
    else if (delta.type === "thinking_delta" && block.type === "thinking") block.thinking += delta.thinking;
    else if (delta.type === "signature_delta" && block.type === "thinking") block.signature = delta.signature;
    else if (delta.type === "input_json_delta")
      this.#inputs.set(index, (this.#inputs.get(index) ?? "") + delta.partial_json);
  }

  #close(index: number): void {
    const block = this.#content[index];
    const text = this.#inputs.get(index);
    if (block?.type !== "tool_use" || text === undefined || text === "") return;
    try {
      block.input = JSON.parse(text);
    } catch {
      block.input = {};
      this.#broken.set(block.id, `The tool's input was not JSON: ${text.slice(0, 500)}`);
    }
    if (typeof block.input === "object" && block.input !== null && !Array.isArray(block.input)) return;
    // The API takes no other input back.
    block.input = {};
    this.#broken.set(block.id, `The tool's input was not a JSON object: ${text.slice(0, 500)}`);
  }

  get hasBegun(): boolean {
    return this.#message !== undefined;
  }

  /** The answer; call it when the stream has ended. */
  get whole(): Gathered {
    if (this.#message === undefined) throw cut("nothing");
    if (!this.#ended) throw cut(`${this.#content.length} part${this.#content.length === 1 ? "" : "s"}`);
    const content = this.#content.filter((block) => block !== undefined);
    for (const [index, block] of content.entries()) {
      const isLast = index === content.length - 1;
      if (block.type === "tool_use" && isLast && this.#message.stop_reason === "max_tokens")
        this.#broken.set(
          block.id,
          "The answer reached its longest length in the middle of this call. Make a shorter one.",
        );
    }
    return { message: { ...this.#message, content }, brokenInputs: this.#broken };
  }
}

function cut(after: string): ModelFailure {
  return new ModelFailure("cut", {
    message: `The model's answer was cut off after ${after}.`,
    remedy: "Try again; the session is as it was before the answer.",
  });
}
