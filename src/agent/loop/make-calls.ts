import { codeOf } from "../../errors/index.ts";
import type { BrokenInputs } from "../model/gather.ts";
import type { ToolResultBlockParam, ToolUseBlock } from "../model/messages.ts";
import { type Delegate, type Tool, type ToolAnswer, ToolFault } from "../tools/tool.ts";
import type { Workplace } from "../tools/workplace.ts";
import type { AgentEvent, Denial } from "./events.ts";

/** A call that wants to be made. */
export interface Wanted {
  readonly id: string;
  readonly tool: Tool;
  readonly input: unknown;
  readonly cwd: string;
  /** The folder that the work began in. */
  readonly root: string;
  readonly parent: string | null;
}

export type Permit = (
  call: Wanted,
  signal: AbortSignal,
) => Promise<
  | { readonly may: true; readonly input: unknown }
  | { readonly may: false; readonly why: string; readonly interrupt?: boolean }
>;

export interface CallParts {
  readonly tools: readonly Tool[];
  readonly place: Workplace;
  readonly permit: Permit;
  readonly emit: (event: AgentEvent) => void;
  readonly parent: string | null;
  readonly delegate?: Delegate;
  readonly onDenied: (denial: Denial) => void;
  /** The person wants the turn to end. */
  readonly interrupt: () => void;
}

const SIDE_BY_SIDE = 10;

/** Makes the calls of one message: in their order, those that change nothing side by side. */
export async function makeCalls(
  calls: readonly ToolUseBlock[],
  {
    parts,
    broken,
    signal,
  }: { readonly parts: CallParts; readonly broken: BrokenInputs; readonly signal: AbortSignal },
): Promise<ToolResultBlockParam[]> {
  const isParallel = ({ name }: ToolUseBlock) =>
    parts.tools.find((tool) => tool.name === name)?.parallel === true;
  const results: ToolResultBlockParam[] = [];
  for (let at = 0; at < calls.length; ) {
    let end = at + 1;
    if (calls.slice(at, end).every(isParallel))
      while (end < calls.length && end - at < SIDE_BY_SIDE && calls.slice(end, end + 1).every(isParallel))
        end += 1;
    const batch = calls.slice(at, end).map((call) => makeCall(call, { parts, broken, signal }));
    results.push(...(await Promise.all(batch)));
    at = end;
  }
  return results;
}

interface How {
  readonly parts: CallParts;
  readonly broken: BrokenInputs;
  readonly signal: AbortSignal;
}

async function makeCall(call: ToolUseBlock, how: How): Promise<ToolResultBlockParam> {
  const { emit, parent } = how.parts;
  const begun = performance.now();
  emit({ type: "tool", id: call.id, name: call.name, input: call.input, parent });
  const { text, attachments = [], isError } = await answerTo(call, how);
  const result: ToolResultBlockParam = {
    type: "tool_result",
    tool_use_id: call.id,
    content: attachments.length === 0 ? text : [{ type: "text", text }, ...attachments],
    ...(isError ? { is_error: true } : {}),
  };
  emit({ type: "tool-ended", id: call.id, name: call.name, ms: performance.now() - begun, result, parent });
  return result;
}

async function answerTo(call: ToolUseBlock, { parts, broken, signal }: How): Promise<ToolAnswer> {
  const fault = broken.get(call.id);
  if (fault !== undefined) return { text: fault, isError: true };
  const tool = parts.tools.find(({ name }) => name === call.name);
  if (tool === undefined) {
    const names = parts.tools.map(({ name }) => name).join(", ");
    return { text: `There is no tool "${call.name}"; there are: ${names}.`, isError: true };
  }
  if (signal.aborted) return { text: "[Interrupted by the person before it began]", isError: true };
  try {
    const { cwd, root } = parts.place;
    const wanted = { id: call.id, tool, input: call.input, cwd, root, parent: parts.parent };
    const permission = await parts.permit(wanted, signal);
    if (!permission.may) {
      parts.onDenied({ id: call.id, name: call.name, input: call.input, why: permission.why });
      if (permission.interrupt) parts.interrupt();
      return { text: `Not permitted: ${permission.why}`, isError: true };
    }
    const { place, delegate } = parts;
    const context = { callId: call.id, place, signal, ...(delegate === undefined ? {} : { delegate }) };
    return await tool.run(permission.input, context);
  } catch (error) {
    return { text: faultText(error, signal), isError: true };
  }
}

function faultText(error: unknown, signal: AbortSignal): string {
  if (error instanceof ToolFault) return error.message;
  if (signal.aborted) return "[Interrupted by the person]";
  if (error instanceof Error && codeOf(error) !== undefined) return error.message;
  return `The tool failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`;
}
