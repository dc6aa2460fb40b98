import type { PermissionOption } from "@agentclientprotocol/sdk";
import type { Wanted } from "../loop/make-calls.ts";
import { judge } from "../loop/permissions.ts";
import type { Answer } from "../permit.ts";
import { isRecord } from "../protocol/control.ts";
import type { JsonRpc } from "./json-rpc.ts";
import { shownCall } from "./tool-call.ts";

/** Has the editor ask the person about a call. An editor that does not answer, or wrongly, has not allowed it. */
export async function askEditor(
  call: Wanted,
  how: { readonly rpc: JsonRpc; readonly session: string; readonly signal: AbortSignal },
): Promise<Answer> {
  const rule = ruleFor(call);
  const options: PermissionOption[] = [
    { optionId: "allow", name: "Allow", kind: "allow_once" },
    ...(rule === undefined
      ? []
      : [{ optionId: "always", name: `Always allow ${rule}`, kind: "allow_always" as const }]),
    { optionId: "reject", name: "Reject", kind: "reject_once" },
  ];
  const toolCall = shownCall({ id: call.id, name: call.tool.name, input: call.input, cwd: call.cwd });
  const params = { sessionId: how.session, toolCall, options };
  let answer: unknown;
  try {
    answer = await how.rpc.ask("session/request_permission", params, how.signal);
  } catch (error) {
    return {
      may: false,
      why: `The editor was asked, and: ${error instanceof Error ? error.message : error}`,
    };
  }
  const outcome = isRecord(answer) && isRecord(answer["outcome"]) ? answer["outcome"] : {};
  if (outcome["outcome"] === "cancelled") return { may: false, why: "it was interrupted", interrupt: true };
  const chosen = outcome["outcome"] === "selected" ? outcome["optionId"] : undefined;
  if (chosen === "allow") return { may: true };
  if (chosen === "always" && rule !== undefined) return { may: true, alwaysAllow: [rule] };
  return { may: false, why: "The person does not want it." };
}

/** The rule that allows this call from now on, and of commands no other one; `undefined`: no rule can say that. */
function ruleFor({ tool, input, cwd }: Wanted): string | undefined {
  const command = isRecord(input) ? input["command"] : undefined;
  // SECURITY(P12): a star in a rule stands for anything, and the person was shown one command.
  if (typeof command === "string" && command.includes("*")) return undefined;
  const rule = typeof command === "string" ? `${tool.name}(${command})` : tool.name;
  const { decision } = judge({ mode: "default", allow: [rule], deny: [] }, { tool, input, cwd });
  return decision === "allow" ? rule : undefined;
}
