import type { View } from "./transcript-view.ts";

/** A call that the script makes. `Task` stands for whatever the agent calls its sub-agents. */
export interface ScriptedCall {
  readonly name: "Task" | "Bash" | "Glob" | "Grep" | "Read" | "Edit" | "Write";
  readonly input: Readonly<Record<string, unknown>>;
}

/** One answer of the scripted model. */
export interface ScriptedAnswer {
  readonly text: string;
  readonly calls?: readonly ScriptedCall[];
}

/** A script: from what it sees of the conversation to its next answer. The same view, the same answer. */
export type ScriptedTask = (view: View, folder: string) => ScriptedAnswer;
