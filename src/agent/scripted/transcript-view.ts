import { blocks } from "../loop/conversation.ts";
import type { ContentBlockParam, MessageParam } from "../model/messages.ts";

/** A tool's result, as the script looks at it. */
export interface Seen {
  readonly text: string;
  readonly isError: boolean;
}

/** What the script knows of a conversation: the task, how far it is, and what came of its last calls. */
export interface View {
  /** The person's task, or the prompt of a sub-agent. */
  readonly task: string;
  /** Answers given since the task. */
  readonly step: number;
  /** Results of the last answer's calls, in their order. */
  readonly results: readonly Seen[];
  /** What the person said while the work went on. */
  readonly heard: string | undefined;
}

/** Reads a request's messages. A user message without results of tools is a task; what stands beside results was said meanwhile. */
export function viewOf(messages: readonly MessageParam[]): View {
  const isTask = (message: MessageParam) => message.role === "user" && !blocks(message).some(isResult);
  const at = messages.findLastIndex(isTask);
  const since = messages.slice(at + 1);
  const last = since.at(-1);
  const lastBlocks = last?.role === "user" ? blocks(last) : [];
  const task = messages[at];
  return {
    task: task === undefined ? "" : said(blocks(task)),
    step: since.filter(({ role }) => role === "assistant").length,
    results: inOrder(lastBlocks.filter(isResult), since.at(-2)).map(seen),
    heard: said(lastBlocks) || undefined,
  };
}

const isResult = (block: ContentBlockParam) => block.type === "tool_result";

/** Results in the order of their calls; an agent may hand them back as they come. */
function inOrder(
  results: readonly ContentBlockParam[],
  answer: MessageParam | undefined,
): readonly ContentBlockParam[] {
  const calls = answer === undefined ? [] : blocks(answer);
  const ids = calls.flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
  const at = (block: ContentBlockParam) =>
    block.type === "tool_result" ? ids.indexOf(block.tool_use_id) : -1;
  return [...results].sort((one, other) => at(one) - at(other));
}

/** What agents put beside the person's words is left out. */
function said(content: readonly ContentBlockParam[]): string {
  return content
    .flatMap((block) => (block.type === "text" ? [block.text] : []))
    .filter((text) => !/^\s*(<system-reminder>|\[)/.test(text))
    .join("\n")
    .trim();
}

function seen(block: ContentBlockParam): Seen {
  if (block.type !== "tool_result") return { text: "", isError: true };
  const { content = "", is_error } = block;
  const text =
    typeof content === "string"
      ? content
      : content.map((part) => (part.type === "text" ? part.text : "")).join("\n");
  return { text, isError: is_error === true };
}
