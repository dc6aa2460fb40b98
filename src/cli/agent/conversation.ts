import { readFileSync } from "node:fs";
import path from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.ts";

/** Whom a session was talked with last, and where that can be gone on with. */
export interface Conversation {
  readonly agent: string;
  /** The agent's own name for it; absent: the newest of its home. */
  readonly id?: string;
}

const NAME = "conversation.json";
const schema = "workcell.conversation/1";

// SECURITY(P12): an agent's name for a conversation comes out of its cell, and becomes a word of its command line.
const isName = (id: unknown): id is string =>
  typeof id === "string" && /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(id);

const fileOf = (state: string, session: string) => path.join(state, "sessions", session, NAME);

/** The conversation that a session keeps; `undefined`: none is known. */
export function readConversation(state: string, session: string): Conversation | undefined {
  try {
    const { agent, id } = JSON.parse(readFileSync(fileOf(state, session), "utf8"));
    return typeof agent === "string" ? { agent, ...(isName(id) ? { id } : {}) } : undefined;
  } catch {
    // Without it the newest conversation of the home is gone on with.
    return undefined;
  }
}

/** Writes down whom a session that stays is talked with. */
export async function keepConversation(
  state: string,
  session: string,
  { agent, id }: Conversation,
): Promise<void> {
  const record = { schema, agent, ...(isName(id) ? { id } : {}) };
  await writeFileAtomic(fileOf(state, session), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}
