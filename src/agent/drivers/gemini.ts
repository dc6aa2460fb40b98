import { PLACEHOLDER } from "../../model/index.ts";
import { type AgentDriver, flagWith } from "./driver.ts";

/** Gemini CLI. */
export const gemini: AgentDriver = {
  name: "gemini",
  title: "Gemini CLI",
  api: "gemini",
  speaks: ["acp"],
  installed: { program: "gemini", npmPackage: "@google/gemini-cli" },
  start({ task, model, output, onScreen = false, goesOn, passed = [] }, { url }) {
    const format = output === "json" ? "stream-json" : "text";
    return {
      words: [
        ...(task === undefined ? [] : onScreen ? ["-i", task] : ["-p", task, "-o", format]),
        ...(output === "acp" ? ["--acp"] : []),
        "--yolo",
        ...passed,
        ...flagWith("--model", model),
        ...(goesOn ? ["--resume", "latest"] : []),
      ],
      environment: {
        GEMINI_API_KEY: PLACEHOLDER,
        GOOGLE_GEMINI_BASE_URL: url,
        GEMINI_CLI_TRUST_WORKSPACE: "true",
      },
      homeFiles: {
        ".gemini/settings.json": `${JSON.stringify({ security: { auth: { selectedType: "gemini-api-key" } } })}\n`,
      },
    };
  },
};
