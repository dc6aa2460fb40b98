import { namedSession, reviewSession } from "../../session/index.ts";
import { listChanges } from "../changes/list-changes.ts";
import { stateOf } from "../changes/words.ts";
import type { CommandContext } from "../command.ts";

/** What the agent changed and nobody has applied yet, a line for each path. */
export async function sumUpChanges(name: string, context: CommandContext): Promise<void> {
  const session = namedSession(stateOf(context), name);
  if (session.live) return;
  const input = { state: stateOf(context), installation: context.installation, session };
  await reviewSession(
    input,
    () => ({ named: [] }),
    async (open, { folder }) => {
      if (open.changes.length === 0) return;
      context.stderr.write("\n");
      await listChanges(open, { session: name, folder }, (text) => void context.stderr.write(text));
    },
  );
}
