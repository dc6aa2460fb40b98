import type { ContentBlockParam, MessageParam } from "../model/messages.ts";
import { blocks } from "./conversation.ts";

export const summaryRequest = `The conversation has become too long and is going to be replaced by your summary. Write all that is needed to go on without it: what the person wants, in their words; what was decided and why; files that matter, with paths and what was changed; commands that matter and what they showed; errors and how they were solved; what is done, what is open, and the very next step. Call no tool.`;

/** What stands instead of the conversation. */
export function restartWith(summary: string): MessageParam[] {
  const text = `The conversation so far was too long and has been replaced by this summary of yours:\n\n${summary}\n\nGo on from there. Files must be read again before they are changed where you do not know them exactly.`;
  return [{ role: "user", content: [{ type: "text", text }] }];
}

const KEPT = 2000;

/** The same messages with the long results of tools cut, for a conversation that is too long even to be summarised. */
export function withoutLongResults(messages: readonly MessageParam[]): MessageParam[] {
  return messages.map((message) => ({ ...message, content: blocks(message).map(shortResult) }));
}

function shortResult(block: ContentBlockParam): ContentBlockParam {
  if (block.type !== "tool_result" || block.content === undefined) return block;
  const parts =
    typeof block.content === "string" ? [{ type: "text" as const, text: block.content }] : block.content;
  const content = parts.map((part) => {
    if (part.type !== "text") return { type: "text" as const, text: `[${part.type}, left out]` };
    if (part.text.length <= KEPT) return part;
    return {
      type: "text" as const,
      text: `${part.text.slice(0, KEPT)}\n[${part.text.length - KEPT} more characters, left out]`,
    };
  });
  return { ...block, content };
}

const leftOut = (type: string) => ({
  type: "text" as const,
  text: `[${type}, left out: the model's endpoint refused the request that held it. It may be damaged.]`,
});

const isAttachment = ({ type }: { readonly type: string }) => type === "image" || type === "document";

/** The same messages without pictures and documents; `undefined`: there are none. */
export function withoutAttachments(messages: readonly MessageParam[]): MessageParam[] | undefined {
  let isAny = false;
  const bare = <T extends { readonly type: string }>(part: T) => {
    if (!isAttachment(part)) return part;
    isAny = true;
    return leftOut(part.type);
  };
  const without = messages.map((message) => ({
    ...message,
    content: blocks(message).map((block) =>
      block.type === "tool_result" && Array.isArray(block.content)
        ? { ...block, content: block.content.map(bare) }
        : bare(block),
    ),
  }));
  return isAny ? without : undefined;
}
