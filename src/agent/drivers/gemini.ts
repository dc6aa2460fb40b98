import { PLACEHOLDER } from "../../model/index.ts";
import { acpTalk } from "./acp-talk.ts";
import { type AgentDriver, flagWith } from "./driver.ts";

/** What it calls the ways of asking that it has. */
const approvals = { default: "default", acceptEdits: "auto_edit", plan: "plan" } as const;

/** Gemini CLI. */
export const gemini: AgentDriver = {
  name: "gemini",
  title: "Gemini CLI",
  api: "gemini",
  speaks: ["acp"],
  asks: Object.keys(approvals),
  talk: acpTalk,
  printsLines: true,
  // What it loads by its protocol within a minute it overwrites, and later it keeps in two parts.
  resumes: "untalked",
  installed: { program: "gemini", npmPackage: "@google/gemini-cli" },
  quietHosts: ["play.googleapis.com"],
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
      passed = [],
    },
    { url },
  ) {
    const approval = Object.entries(approvals).find(([mode]) => mode === permissionMode)?.[1] ?? "yolo";
    const format = output === "json" ? "stream-json" : "text";
    return {
      words: [
        ...(task === undefined || isTalked ? [] : onScreen ? ["-i", task] : ["-p", task, "-o", format]),
        ...(output === "acp" || isTalked ? ["--acp"] : []),
        ...["--approval-mode", approval],
        // SECURITY(P12): it works in a folder that nobody vouched for, and leaves that folder's own servers and hooks alone.
        "--skip-trust",
        ...passed,
        ...flagWith("--model", model),
        ...(goesOn && !isTalked ? ["--resume", conversation ?? "latest"] : []),
      ],
      environment: {
        GEMINI_API_KEY: PLACEHOLDER,
        GOOGLE_GEMINI_BASE_URL: url,
      },
      homeFiles: {
        ".gemini/settings.json": `${JSON.stringify({
          security: { auth: { selectedType: "gemini-api-key" } },
          privacy: { usageStatisticsEnabled: false },
        })}\n`,
      },
    };
  },
};
