import type { AgentDriver, AgentWork, HostDialect } from "../../agent/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import type { FlagValues } from "../command.ts";
import { type AgentWords, readAgentWords } from "./words.ts";

function usage(message: string, remedy: string): WorkcellError {
  return new WorkcellError("WC_USAGE", { message, remedy });
}

/** How the agent and who started it talk. Throws WC_USAGE. */
export function readOutput(flags: FlagValues): AgentWork["output"] {
  const [output = "human", other] = (["acp", "stream-json", "json"] as const).filter((name) =>
    flags.has(name),
  );
  if (other !== undefined)
    throw usage(`Cannot speak two ways at once (flags --${output}, --${other})`, "Leave one of them out");
  return output;
}

/** A program on the host drives the agent: stdin and stdout are its own. */
export const isHosted = (output: AgentWork["output"]): output is HostDialect =>
  output === "stream-json" || output === "acp";

/** Refuses what would make of a conversation with a program something else. Throws WC_USAGE. */
export function checkHosted(output: HostDialect, { driver, task }: AgentWords, flags: FlagValues): void {
  const { name, title, speaks = [] } = driver;
  if (!speaks.includes(output)) {
    throw usage(
      `Cannot have ${title} driven by a program (flag --${output}): ${speaks.length === 0 ? "it speaks neither of the two ways that are known" : `it speaks ${speaks.join(", ")}`}`,
      speaks.length === 0
        ? `Use the built-in agent: workcell agent --${output}`
        : `Use what it speaks: workcell agent ${name} --${speaks[0]}`,
    );
  }
  if (output === "acp" && task !== undefined)
    throw usage(
      "Cannot take a task from the command line and from an editor at once (flag --acp)",
      "Leave the task out",
    );
  if (flags.has("terminal"))
    throw usage(
      `Cannot give the agent a terminal (flag -t) and a program to talk to (flag --${output})`,
      "Leave one of them out",
    );
}

/** The agent and the task as ever, and from the first flag on what the program has for the agent itself. */
export function readHostedWords(
  words: readonly string[],
  usual?: AgentDriver,
): AgentWords & { readonly passed: readonly string[] } {
  const at = words.findIndex((word) => word.startsWith("-"));
  const end = at === -1 ? words.length : at;
  return { ...readAgentWords(words.slice(0, end), usual), passed: words.slice(end) };
}
