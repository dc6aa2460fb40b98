import { type AgentDriver, findDriver } from "../../agent/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import { listSessions } from "../../session/index.ts";
import { stateOf } from "../changes/words.ts";
import type { CommandContext, FlagValues } from "../command.ts";
import { type Conversation, readConversation } from "./conversation.ts";

/** A session that is gone on with. */
export interface Resumed {
  readonly session: string;
  readonly conversation: Conversation | undefined;
  /** Who is meant where no agent is named: whoever was talked with. */
  readonly usual: AgentDriver | undefined;
}

/** What `--resume` names: it must be there, home and all. Throws WC_USAGE, WC_SESSION. */
export function readResumed(flags: FlagValues, context: CommandContext): Resumed | undefined {
  const name = flags.text("resume");
  if (name === undefined) return undefined;
  if (flags.has("session")) {
    throw new WorkcellError("WC_USAGE", {
      message: "Cannot name two sessions (flags --session, --resume)",
      remedy: "Leave one of them out",
    });
  }
  const state = stateOf(context);
  if (!listSessions(state).some((session) => session.name === name && session.open)) {
    throw new WorkcellError("WC_SESSION", {
      message: `Cannot go on in session "${printable(name)}" (flag --resume): its home, where the conversation is kept, is not there`,
      remedy: "See which stay: workcell session list; a session stays when it is named: --session NAME",
    });
  }
  const conversation = readConversation(state, name);
  return { session: name, conversation, usual: conversation && findDriver(conversation.agent) };
}

/** Refuses what cannot be gone on with: another agent's conversation, or one without a name in a way that needs it. Throws WC_SESSION. */
export function checkResumed(
  { session, usual, conversation }: Resumed,
  { name, title, resumes }: AgentDriver,
  { isAsking }: { readonly isAsking: boolean },
): void {
  if (isAsking && resumes === "by name" && conversation?.id === undefined) {
    throw new WorkcellError("WC_SESSION", {
      message: `Cannot have ${title} ask while it goes on in session "${session}" (flags --resume, --permission-mode): its conversation there was held on its own screen, or as lines of JSON, and its name, by which alone it can be talked with, is not known`,
      remedy: `Leave --permission-mode out; or begin anew there: workcell agent --session ${session} ${name} "TASK"`,
    });
  }
  if (usual === undefined || usual.name === name) return;
  throw new WorkcellError("WC_SESSION", {
    message: `Cannot go on in session "${session}" with ${title} (flag --resume): its conversation is one with ${usual.title}, which no other agent can read`,
    remedy: `Go on with ${usual.title}: workcell agent --resume ${session} ${usual.name} "TASK"; or begin anew there: workcell agent --session ${session} ${name} "TASK"`,
  });
}
