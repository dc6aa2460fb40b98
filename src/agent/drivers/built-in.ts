import { type AgentDriver, flagWith, referenceTools } from "./driver.ts";

/** Where the built-in agent's program stands in a cell. */
export const builtInPlace = "/run/workcell/workcell-agent.js";

/** Workcell's own agent. */
export const builtIn: AgentDriver = {
  name: "workcell",
  title: "the built-in agent",
  api: "messages",
  speaks: ["stream-json", "acp"],
  start({ task, model, output, goesOn, permissionMode, passed = [] }, { variables }) {
    const form = { human: [], json: ["--json"], "stream-json": ["--stream-json"], acp: ["--acp"] }[output];
    const unasked = passed.length > 0 ? [] : [`--allowedTools=${referenceTools.join(",")}`];
    const asking = permissionMode === undefined ? unasked : ["--permission-mode", permissionMode];
    return {
      words: [
        ...form,
        ...passed,
        ...asking,
        ...flagWith("--model", model),
        ...(goesOn ? ["--continue"] : []),
        ...(task === undefined ? [] : ["--", task]),
      ],
      environment: variables,
    };
  },
};
