import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { type AgentEvent, humanView } from "../../agent/index.ts";

/** Shows a person what an agent's lines tell, as they come; resolves at their end. */
export async function showEvents(
  lines: Readable,
  eventsOf: (line: string) => readonly AgentEvent[],
  out: Writable,
): Promise<void> {
  const show = humanView((text) => void out.write(text));
  for await (const line of createInterface({ input: lines })) for (const event of eventsOf(line)) show(event);
}
