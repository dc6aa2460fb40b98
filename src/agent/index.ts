/**
 * agent: what the host knows of agents, the built-in one (bin.ts, a program of its own in the cell) and others; a scripted model.
 * in: a task, where the model is asked. out: the command that is the agent in its cell; a server that plays a model.
 * may import: the ground floor.
 */
export { type AgentProgram, agentCommand, builtInProgram } from "./drivers/agent-command.ts";
export { agentDrivers, findDriver } from "./drivers/all-drivers.ts";
export { builtIn } from "./drivers/built-in.ts";
export {
  type AgentDriver,
  type AgentStart,
  type AgentWork,
  type Endpoint,
  type Heard,
  type HostDialect,
  type Question,
  type Reply,
  referenceTools,
  type Talk,
} from "./drivers/driver.ts";
export type { AgentEvent } from "./loop/events.ts";
export { permissionModes } from "./loop/permissions.ts";
export { askedCall } from "./protocol/asked-call.ts";
export { humanView } from "./protocol/human.ts";
export { linesOf } from "./protocol/lines.ts";
export { firstTask } from "./scripted/first-task.ts";
export { scriptedRoute } from "./scripted/route.ts";
export type { ScriptedAnswer, ScriptedCall, ScriptedTask } from "./scripted/script.ts";
export { type ScriptedModel, type ScriptedRequest, startScriptedModel } from "./scripted/serve.ts";
export type { Seen, View } from "./scripted/transcript-view.ts";
