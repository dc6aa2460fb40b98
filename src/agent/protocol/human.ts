import { printable, printableLines } from "../../lib/printable.ts";
import { shortLine } from "../../lib/short-line.ts";
import type { AgentEvent, TurnEnd } from "../loop/events.ts";
import { totalOf } from "../loop/ledger.ts";
import type { ToolResultBlockParam } from "../model/messages.ts";

/** Shows a person what happens: text as it comes, a line for each call. Nothing a model or a file says steers the terminal. */
export function humanView(write: (text: string) => void): (event: AgentEvent) => void {
  let isMidLine = false;
  let isAnnounced = false;
  let model = "";
  const put = (text: string) => {
    if (text === "") return;
    write(printableLines(text));
    isMidLine = !text.endsWith("\n");
  };
  const line = (text: string) => put(`${isMidLine ? "\n" : ""}${text}\n`);
  return (event) => {
    const inset = "parent" in event && event.parent !== null ? "  " : "";
    if (event.type === "started") {
      if (!isAnnounced) line(`${event.model}, conversation ${event.session}`);
      isAnnounced = true;
      model = event.model;
    } else if (event.type === "message") {
      // What answers may be another model than the one that was asked for: a gateway's, or the scripted one.
      if (event.parent === null && event.message.model !== model)
        line(`! The model that answers is ${event.message.model}`);
      if (event.parent === null) model = event.message.model;
    } else if (event.type === "stream") {
      // Of sub-agents, whose texts come side by side, only the calls are shown.
      if (event.parent !== null) return;
      if (event.event.type === "content_block_stop" && isMidLine) put("\n");
      else put(textOf(event));
    } else if (event.type === "tool") line(`${inset}> ${event.name} ${subject(event.input)}`);
    else if (event.type === "tool-ended")
      line(
        `${inset}  ${event.name}: ${outcome(event.result)}${event.ms < 1000 ? "" : ` (${seconds(event.ms)})`}`,
      );
    else if (event.type === "retry")
      line(
        `${inset}! ${shortLine(event.why)} Trying again in ${seconds(event.waitMs)}, ${event.attempt} of ${event.of}`,
      );
    else if (event.type === "compacted") line(`${inset}! The conversation is too long and is summed up`);
    else if (event.type === "note") line(`! ${event.text}`);
    else if (event.type === "ended") for (const each of endLines(event)) line(each);
  };
}

function textOf({ event }: Extract<AgentEvent, { type: "stream" }>): string {
  return event.type === "content_block_delta" && event.delta.type === "text_delta" ? event.delta.text : "";
}

/** What a call is about: the first of its words that says so. */
function subject(input: unknown): string {
  const fields = new Map(Object.entries(input ?? {}));
  const named = ["file_path", "command", "pattern", "description"].map((name) => fields.get(name));
  const text = named.find((value) => typeof value === "string") ?? JSON.stringify(input);
  return cut(printable(`${text}`), 160);
}

function outcome({ content, is_error }: ToolResultBlockParam): string {
  const text =
    typeof content === "string"
      ? content
      : (content ?? []).map((part) => (part.type === "text" ? part.text : part.type)).join(" ");
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const [first = ""] = is_error ? lines.slice(-1) : lines;
  const more = lines.length > 1 ? ` … ${lines.length} lines` : "";
  return `${is_error ? "failed: " : ""}${cut(printable(first.trim()), 120)}${more}`;
}

const cut = (text: string, limit: number) => (text.length <= limit ? text : `${text.slice(0, limit - 1)}…`);

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function endLines(end: TurnEnd): string[] {
  const { tokens, costUsd } = totalOf(end.models);
  const into = tokens.input_tokens + tokens.cache_creation_input_tokens + tokens.cache_read_input_tokens;
  const cost = costUsd === undefined ? "price not known" : `$${costUsd.toFixed(4)}`;
  const took = `${into} tokens in (${tokens.cache_read_input_tokens} cached), ${tokens.output_tokens} out, ${cost}, ${seconds(end.ms)}`;
  const denied = end.denials.map(
    ({ name, input, why }) => `! Not permitted: ${name} ${subject(input)}: ${shortLine(why)}`,
  );
  const words = {
    done: "Done",
    interrupted: "Interrupted",
    "max-turns": `Stopped after ${end.turns} answers (--max-turns)`,
    "max-budget": "Stopped: what it may cost is spent, or the model's price is not known (--max-budget-usd)",
    failed: `Failed: ${shortLine(end.failure?.message ?? "")}`,
  };
  if (end.failure !== undefined)
    return [...denied, words.failed, `  remedy: ${end.failure.remedy}`, `  spent: ${took}`];
  return [...denied, `${words[end.status]}: ${took}`];
}
