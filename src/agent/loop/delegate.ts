import { allTools } from "../tools/all-tools.ts";
import type { SubAgentKind } from "../tools/task.ts";
import type { Delegate } from "../tools/tool.ts";
import { Agent, type AgentParts } from "./agent.ts";
import { Conversation } from "./conversation.ts";

const SUB_TURNS = 100;

/** Sub-agents: the same model and rules, a conversation and reading of their own, and no sub-agents in turn. */
export function delegateWith(
  parts: Omit<AgentParts, "conversation" | "parent" | "delegate" | "heard">,
): Delegate {
  return async ({ prompt, kind, model, callId, signal }) => {
    const interrupt = new AbortController();
    const stop = () => interrupt.abort();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const place = parts.place.forSubAgent();
    const agent = new Agent({
      ...parts,
      model: model ?? parts.model,
      tools: toolsOf(kind as SubAgentKind).filter(({ name }) =>
        parts.tools.some((tool) => tool.name === name),
      ),
      place,
      conversation: new Conversation(),
      parent: callId,
      limits: { ...parts.limits, maxTurns: SUB_TURNS },
    });
    try {
      const end = await agent.turn([{ type: "text", text: prompt }], interrupt);
      const text = await parts.place.shown(end.text, "task");
      if (end.status === "done") return { text: text || "[The sub-agent ended without a word]" };
      const why =
        end.failure?.message ??
        {
          ...{ done: "", failed: "it failed", interrupted: "it was interrupted" },
          "max-turns": `${SUB_TURNS} answers were not enough`,
          "max-budget": "what the session may cost is spent",
        }[end.status];
      return { text: `The sub-agent did not finish: ${why}\n${text}`, isError: true };
    } finally {
      signal.removeEventListener("abort", stop);
      place.close();
    }
  };
}

function toolsOf(kind: SubAgentKind) {
  return allTools.filter(({ name, readOnly }) => name !== "Task" && (kind !== "Explore" || readOnly));
}
