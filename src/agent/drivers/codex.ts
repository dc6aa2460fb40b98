import { PLACEHOLDER } from "../../model/index.ts";
import { codexTalk } from "./codex-talk.ts";
import { type AgentDriver, flagWith } from "./driver.ts";

/** Codex. Its own sandbox cannot be made in a cell, which is one already. */
export const codex: AgentDriver = {
  name: "codex",
  title: "Codex",
  api: "responses",
  installed: { program: "codex", npmPackage: "@openai/codex" },
  asks: ["default"],
  talk: codexTalk,
  printsLines: true,
  resumes: "by name",
  // Whether its own sandbox could be made.
  quietCalls: ["clone by bwrap"],
  quietHosts: ["github.com", "api.github.com", "chatgpt.com", "ab.chatgpt.com"],
  start({ task, model, output, onScreen = false, goesOn, conversation, isTalked = false }, { url }) {
    const settings = [
      'model_provider="workcell"',
      'model_providers.workcell.name="Workcell\'s gate"',
      `model_providers.workcell.base_url=${JSON.stringify(`${url}/v1`)}`,
      'model_providers.workcell.env_key="OPENAI_API_KEY"',
      'model_providers.workcell.wire_api="responses"',
      'approval_policy="never"',
    ].flatMap((setting) => ["-c", setting]);
    const unattended = [
      "exec",
      ...(goesOn ? ["resume", conversation ?? "--last"] : []),
      "--skip-git-repo-check",
      ...(output === "json" ? ["--json"] : []),
    ];
    const environment = { OPENAI_API_KEY: PLACEHOLDER };
    if (isTalked) {
      const named = model === undefined ? [] : ["-c", `model=${JSON.stringify(model)}`];
      // What the person declines it would write on stderr as an error of its own.
      const RUST_LOG = "error,codex_core::tools::router=off";
      return { words: ["app-server", ...settings, ...named], environment: { ...environment, RUST_LOG } };
    }
    return {
      words: [
        ...(task === undefined || onScreen ? [] : unattended),
        ...settings,
        ...["--sandbox", "danger-full-access"],
        ...flagWith("--model", model),
        ...(task === undefined ? [] : ["--", task]),
      ],
      environment,
    };
  },
};
