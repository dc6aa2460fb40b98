import { builtIn } from "./built-in.ts";
import { claude } from "./claude.ts";
import { codex } from "./codex.ts";
import type { AgentDriver } from "./driver.ts";
import { gemini } from "./gemini.ts";
import { opencode } from "./opencode.ts";

/** Every agent that Workcell knows how to start; the first is meant when none is named. */
export const agentDrivers: readonly [AgentDriver, ...AgentDriver[]] = [
  builtIn,
  ...[claude, codex, gemini, opencode],
];

export const findDriver = (name: string): AgentDriver | undefined =>
  agentDrivers.find((driver) => driver.name === name);
