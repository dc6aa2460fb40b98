/**
 * agent: the built-in agent, which works inside a cell, and the scripted model that shows it without an account.
 * in: a task, a folder, the address of a Messages API. out: events, in a person's, JSON's or Claude Code's words.
 * may import: the ground floor.
 */
export { runAgent, type World } from "./run-agent.ts";
export { firstTask } from "./scripted/first-task.ts";
export type { ScriptedAnswer, ScriptedCall, ScriptedTask } from "./scripted/script.ts";
export { type ScriptedModel, startScriptedModel } from "./scripted/serve.ts";
export type { Seen, View } from "./scripted/transcript-view.ts";
