import type { PermissionOption } from "@agentclientprotocol/sdk";
import type { Wanted } from "../loop/make-calls.ts";
import { type Answer, ruleFor, ruleText } from "../permit.ts";
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
      : [{ optionId: "always", name: `Always allow ${ruleText(rule)}`, kind: "allow_always" as const }]),
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
  if (chosen === "always" && rule !== undefined) return { may: true, alwaysAllow: [ruleText(rule)] };
  return { may: false, why: "The person does not want it." };
}
