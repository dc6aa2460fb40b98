import { PLACEHOLDER } from "../../model/index.ts";
import { acpTalk } from "./acp-talk.ts";
import { type AgentDriver, flagWith } from "./driver.ts";

/** What it calls the ways of asking that it has. */
const approvals = { default: "default", acceptEdits: "auto_edit", plan: "plan" } as const;

/**
 * A conversation that it loads by its protocol it first begins anew, in a file that is named by the minute: what was said
 * less than a minute ago would be overwritten. So what was said in it stands under another minute. The file that was begun
 * goes: the next start would clear it away, and with it all of its conversation.
 */
const outOfTheWay = `for said in "$HOME"/.gemini/tmp/*/chats/session-2???-*-*T*-*-*.json*; do
  kept="\${said%/*}/session-2000-01-01T00-00-\${said##*-}"
  if [ "$said" = "$kept" ]; then continue
  elif grep -qs '"type": *"gemini"' "$said"; then mv "$said" "$kept"
  elif [ -e "$kept" ]; then rm "$said"; fi
done
`;

/** Gemini CLI. */
export const gemini: AgentDriver = {
  name: "gemini",
  title: "Gemini CLI",
  api: "gemini",
  speaks: ["acp"],
  asks: Object.keys(approvals),
  talk: acpTalk,
  printsLines: true,
  resumes: "by name",
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
      ...(goesOn || output === "acp" ? { before: outOfTheWay } : {}),
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
