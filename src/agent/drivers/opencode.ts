import { PLACEHOLDER } from "../../model/index.ts";
import { type AgentDriver, flagWith } from "./driver.ts";

/** OpenCode, with a model behind the Messages API. */
export const opencode: AgentDriver = {
  name: "opencode",
  title: "OpenCode",
  api: "messages",
  speaks: ["acp"],
  installed: { program: "opencode", npmPackage: "opencode-ai" },
  start({ task, model, output, onScreen = false, goesOn, passed = [] }, { url, variables }) {
    const provider = { anthropic: { options: { baseURL: `${url}/v1`, apiKey: PLACEHOLDER } } };
    return {
      words: [
        ...(output === "acp" ? ["acp"] : []),
        ...(task === undefined || onScreen
          ? []
          : ["run", ...(output === "json" ? ["--format", "json"] : [])]),
        ...passed,
        ...flagWith("--model", model?.includes("/") === false ? `anthropic/${model}` : model),
        ...(goesOn ? ["--continue"] : []),
        ...(task === undefined ? [] : onScreen ? ["--prompt", task] : ["--", task]),
      ],
      environment: {
        ...variables,
        OPENCODE_CONFIG_CONTENT: JSON.stringify({ provider, autoupdate: false, share: "disabled" }),
        OPENCODE_DISABLE_MODELS_FETCH: "1",
      },
    };
  },
};
