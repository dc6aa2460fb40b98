import { type AgentDriver, agentDrivers, findDriver } from "../../agent/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { nearest } from "../../lib/nearest.ts";
import { printable } from "../../lib/printable.ts";

/** What the words after `workcell agent` say. */
export interface AgentWords {
  readonly driver: AgentDriver;
  /** Absent: none was given. */
  readonly task?: string;
}

const [builtIn] = agentDrivers;

/** The first word is an agent if one is called so, else the usual one is meant; what is left is the task. Throws WC_USAGE. */
export function readAgentWords(words: readonly string[], usual: AgentDriver = builtIn): AgentWords {
  const [first = "", ...rest] = words;
  const named = findDriver(first);
  const [task, second] = named === undefined ? words : rest;
  if (second !== undefined) {
    const meant =
      named === undefined
        ? nearest(
            first,
            agentDrivers.map(({ name }) => name),
          )
        : undefined;
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot read the task: "${printable(task ?? "")}" and "${printable(second)}" are two words, and a task is one`,
      remedy:
        meant === undefined
          ? 'Put it into quotes: workcell agent -m . "make the failing test pass"'
          : `Write the agent's name as it is: workcell agent ${meant} "TASK"`,
    });
  }
  const driver = named ?? usual;
  return task === undefined || task.trim() === "" ? { driver } : { driver, task };
}
