import { PLACEHOLDER } from "../../model/index.ts";
import { type AgentDriver, flagWith } from "./driver.ts";

/** Gemini CLI. */
export const gemini: AgentDriver = {
  name: "gemini",
  title: "Gemini CLI",
  api: "gemini",
  speaks: ["acp"],
  installed: { program: "gemini", npmPackage: "@google/gemini-cli" },
  start({ task, model, output, goesOn }, { url }) {
    return {
      words: [
        ...(task === undefined ? [] : ["-p", task, "-o", output === "json" ? "stream-json" : "text"]),
        ...(output === "acp" ? ["--acp"] : []),
        "--yolo",
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
