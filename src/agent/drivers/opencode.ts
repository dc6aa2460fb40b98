import { PLACEHOLDER } from "../../model/index.ts";
import { acpTalk } from "./acp-talk.ts";
import { type AgentDriver, flagWith } from "./driver.ts";

/** What it asks before it is done, by the ways of asking that it has. */
const permissions = {
  default: { edit: "ask", bash: "ask", webfetch: "ask" },
  acceptEdits: { bash: "ask", webfetch: "ask" },
  dontAsk: { edit: "deny", bash: "deny", webfetch: "deny" },
} as const;

/** A home in which its own package is said to be: else each start asks the registry for it, which is refused. */
const listed = { dependencies: { "@opencode-ai/plugin": "*" } };
const ownPackages = {
  ".config/opencode/package.json": `${JSON.stringify(listed)}\n`,
  ".config/opencode/package-lock.json": `${JSON.stringify({ packages: { "": listed } })}\n`,
  ".config/opencode/node_modules/.package-lock.json": "{}\n",
};

/** OpenCode, with a model behind the Messages API. */
export const opencode: AgentDriver = {
  name: "opencode",
  title: "OpenCode",
  api: "messages",
  speaks: ["acp"],
  asks: Object.keys(permissions),
  talk: acpTalk,
  printsLines: true,
  resumes: "by name",
  // The switch below holds for a part of what it reads there.
  config: {
    names: [".opencode", "opencode.json", "opencode.jsonc"],
    written: { ".opencode/.gitignore": "*\n" },
    isReadAnyway: true,
  },
  installed: { program: "opencode", npmPackage: "opencode-ai" },
  start(
    {
      task,
      model,
      output,
      onScreen = false,
      goesOn,
      conversation,
      permissionMode,
      isTalked = false,
      isAgreed = false,
      passed = [],
    },
    { url, variables },
  ) {
    const provider = { anthropic: { options: { baseURL: `${url}/v1`, apiKey: PLACEHOLDER } } };
    const asked = Object.entries(permissions).find(([mode]) => mode === permissionMode)?.[1];
    // Unasked it would ask all the same before it leaves the folder, and stop at a task when nobody answers.
    const isAcp = output === "acp" || isTalked;
    const named = model?.includes("/") === false ? `anthropic/${model}` : model;
    const config = {
      ...{ provider, autoupdate: false, share: "disabled", permission: asked ?? { "*": "allow" } },
      // Its maker's own models would be asked before the one that there is a way to.
      disabled_providers: ["opencode"],
      ...(isAcp && named !== undefined ? { model: named } : {}),
      // With the folder's settings it would leave this out, too.
      ...(isAgreed ? {} : { instructions: ["{env:PWD}/AGENTS.md"] }),
    };
    return {
      words: [
        ...(isAcp ? ["acp"] : []),
        ...(task === undefined || onScreen || isTalked
          ? []
          : ["run", ...(output === "json" ? ["--format", "json"] : [])]),
        ...passed,
        ...(isAcp ? [] : flagWith("--model", named)),
        ...(goesOn && !isTalked
          ? conversation === undefined
            ? ["--continue"]
            : ["--session", conversation]
          : []),
        ...(task === undefined || isTalked ? [] : onScreen ? ["--prompt", task] : ["--", task]),
      ],
      environment: {
        ...variables,
        OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
        // SECURITY(P12): a folder's own servers and settings count only after the person agreed to them.
        ...(isAgreed ? {} : { OPENCODE_DISABLE_PROJECT_CONFIG: "1" }),
        OPENCODE_DISABLE_MODELS_FETCH: "1",
      },
      homeFiles: ownPackages,
    };
  },
};
