import { defineTool, ToolFault } from "./tool.ts";

/** The kinds of sub-agents, with what they are for. */
export const subAgents = {
  "general-purpose": "all tools but Task: a part of the work that stands alone",
  Explore: "Read, Glob and Grep only: finding out where something is",
} as const;

export type SubAgentKind = keyof typeof subAgents;

/** Task: hands a part of the work to a sub-agent with a conversation of its own. */
export const task = defineTool({
  name: "Task",
  description: `Hands a part of the work to a sub-agent. It starts with nothing but the prompt, works by itself, and answers once. Several Task calls in one message run side by side. Kinds: ${Object.entries(
    subAgents,
  )
    .map(([name, what]) => `${name} (${what})`)
    .join("; ")}.`,
  fields: {
    description: { type: "string", description: "The task in 3 to 5 words" },
    prompt: { type: "string", description: "The whole task, with all that is needed to do it" },
    subagent_type: { type: "string", enum: Object.keys(subAgents), description: "The kind of sub-agent" },
    model: { type: "string", description: "Another model for it", optional: true },
  },
  parallel: true,
  run: (input, { callId, delegate, signal }) => {
    if (delegate === undefined) throw new ToolFault("A sub-agent cannot start sub-agents.");
    const { description, prompt, model } = input;
    return delegate({ description, prompt, kind: input.subagent_type, model, callId, signal });
  },
});
