import { PLACEHOLDER } from "../../model/index.ts";
import { claudeEvents } from "./claude-events.ts";
import { claudeTalk } from "./claude-talk.ts";
import { type AgentDriver, flagWith, referenceModel, referenceTools } from "./driver.ts";

/** What it does without being asked leaves the cell alone: no telemetry, no updates of a program that it may not write. */
const quiet = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_AUTOUPDATER: "1",
};

/** It asks on its screen whether it may use a key that it knows by its end; this one is no key. */
const settled = {
  hasCompletedOnboarding: true,
  customApiKeyResponses: { approved: [PLACEHOLDER.slice(-20)], rejected: [] },
};

/** With what the person agreed to in the folder; there is nobody whom it could ask once more. */
const agreed = [
  ...["--setting-sources", "user,project"],
  ...["--settings", JSON.stringify({ enableAllProjectMcpServers: true })],
];

/** Claude Code. */
export const claude: AgentDriver = {
  name: "claude",
  title: "Claude Code",
  api: "messages",
  speaks: ["stream-json"],
  installed: { program: "claude", npmPackage: "@anthropic-ai/claude-code" },
  quietHosts: ["api.anthropic.com", "statsig.anthropic.com", "downloads.claude.ai", "github.com"],
  events: claudeEvents,
  talk: claudeTalk,
  config: { names: [".claude", ".mcp.json"] },
  start(
    {
      task,
      model,
      output,
      onScreen = false,
      goesOn,
      conversation,
      permissionMode,
      asReference,
      isTalked = false,
      isAgreed = false,
      passed = [],
    },
    { variables },
  ) {
    const tools = referenceTools.join(",");
    const unasked = passed.length > 0 ? [] : ["--allowedTools", tools];
    const asking = permissionMode === undefined ? unasked : ["--permission-mode", permissionMode];
    const hears = output === "stream-json" || isTalked;
    const input = hears ? ["--input-format", "stream-json", "--permission-prompt-tool", "stdio"] : [];
    const format = ["--output-format", "stream-json", "--verbose", ...input];
    const isTalk = output === "stream-json" || (task !== undefined && !onScreen);
    const given = task === undefined || isTalked ? [] : [task];
    return {
      words: [
        ...(isTalk ? ["-p", ...given, ...format] : []),
        ...passed,
        ...flagWith("--model", model ?? (asReference ? referenceModel : undefined)),
        ...(goesOn ? (conversation === undefined ? ["--continue"] : ["--resume", conversation]) : []),
        ...(asReference ? ["--tools", tools] : []),
        ...asking,
        // SECURITY(P12): a folder's own hooks, servers and settings count only after the person agreed to them.
        ...(isAgreed ? agreed : ["--setting-sources", "user", "--strict-mcp-config"]),
        ...(onScreen && task !== undefined ? ["--", task] : []),
      ],
      environment: {
        ...quiet,
        // What a sub-agent finds is waited for: nobody is there to be told of it later.
        ...(onScreen || task === undefined ? {} : { CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1" }),
        ...variables,
      },
      // A session's home is new: nobody is there to choose colours, and who signs in is the host's affair.
      homeFiles: { ".claude.json": `${JSON.stringify(settled)}\n` },
    };
  },
};
