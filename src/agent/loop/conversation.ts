import type { ContentBlockParam, MessageParam, ToolUseBlock } from "../model/messages.ts";
import type { Transcript } from "./transcript.ts";

/** The messages so far. They always stand as the Messages API takes them: roles in turn, every call answered. */
export class Conversation {
  #messages: MessageParam[] = [];
  readonly #transcript: Transcript | undefined;

  constructor(transcript?: Transcript) {
    this.#transcript = transcript;
    for (const message of transcript?.messages ?? []) this.#join(message);
    const open = this.#openCalls();
    if (open.length > 0) this.say(open.map((id) => unanswered(id)));
  }

  get messages(): readonly MessageParam[] {
    return this.#messages;
  }

  /** What the person or a tool says. */
  say(content: readonly ContentBlockParam[]): void {
    if (content.length > 0) this.#add({ role: "user", content: [...content] });
  }

  /** What the model answers; empty texts are left out, because the API does not take them back. */
  answer(content: readonly ContentBlockParam[]): void {
    const kept = content.filter((block) => block.type !== "text" || block.text.trim() !== "");
    if (kept.length > 0) this.#add({ role: "assistant", content: kept });
  }

  /** Begins anew with these messages. */
  restart(messages: readonly MessageParam[]): void {
    this.#messages = [...messages];
    this.#transcript?.restart(messages);
  }

  #add(message: MessageParam): void {
    this.#transcript?.add(message);
    this.#join(message);
  }

  #join(message: MessageParam): void {
    const last = this.#messages.at(-1);
    if (last?.role !== message.role) {
      this.#messages.push(message);
      return;
    }
    this.#messages[this.#messages.length - 1] = {
      role: last.role,
      content: [...blocks(last), ...blocks(message)],
    };
  }

  #openCalls(): string[] {
    const last = this.#messages.at(-1);
    if (last?.role !== "assistant") return [];
    return blocks(last)
      .filter((block): block is ToolUseBlock => block.type === "tool_use")
      .map(({ id }) => id);
  }

  /** The messages for a request: marked so that the server caches what the last requests had in common. */
  marked(): MessageParam[] {
    const users = this.#messages.flatMap(({ role }, index) => (role === "user" ? [index] : []));
    const marks = new Set(users.slice(-2));
    return this.#messages.map((message, index) => {
      if (!marks.has(index)) return message;
      const content = blocks(message);
      const last = content.at(-1);
      if (last === undefined) return message;
      const mark = { ...last, cache_control: { type: "ephemeral" } } as ContentBlockParam;
      return { ...message, content: [...content.slice(0, -1), mark] };
    });
  }
}

export function blocks({ content }: MessageParam): ContentBlockParam[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function unanswered(id: string): ContentBlockParam {
  return {
    type: "tool_result",
    tool_use_id: id,
    is_error: true,
    content: "The session ended before this call did; it may have been made or not.",
  };
}
