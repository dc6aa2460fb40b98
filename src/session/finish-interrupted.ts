import { existsSync } from "node:fs";
import path from "node:path";
import type { Decided } from "./decide.ts";
import type { RunRequest } from "./request.ts";

/**
 * An apply or undo that an ended Workcell left in the middle is finished before a cell sees the layer: what was taken out of it
 * already would read as removed by the command, and removing it would be what the person applies next.
 */
export async function finishInterrupted(
  { settings, facts }: Decided,
  { installation, onNotice }: Pick<RunRequest, "installation" | "onNotice">,
): Promise<void> {
  const name = settings.session?.value;
  const state = facts.own.records;
  if (name === undefined || !existsSync(path.join(state, "sessions", name, "steps"))) return;
  const [{ isSession, namedSession }, { finishSteps }] = await Promise.all([
    import("./find-sessions.ts"),
    import("./review.ts"),
  ]);
  if (!isSession(state, name)) return;
  const input = { state, installation, session: namedSession(state, name) };
  for (const { number, kind, folder } of await finishSteps(input, { everywhere: true }))
    onNotice?.(`step ${number} (${kind}) in ${folder} had been interrupted and is finished now`);
}
