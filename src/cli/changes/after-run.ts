import { type OpenLayer, summarise, summaryLine } from "../../changes/index.ts";
import { printable } from "../../lib/printable.ts";
import {
  chooseSession,
  countWaiting,
  type KnownSession,
  listSessions,
  reviewSession,
  waitingLayers,
} from "../../session/index.ts";
import type { CommandContext } from "../command.ts";
import type { ApplyMode } from "./apply-mode.ts";
import { ask } from "./ask.ts";
import { cautions, counted } from "./say.ts";
import { sayApplied } from "./say-applied.ts";
import { divideChanges } from "./select.ts";
import { stateOf } from "./words.ts";

interface Ended {
  readonly session: KnownSession;
  readonly mode: ApplyMode;
  readonly context: CommandContext;
}

async function wants({ session, mode, context }: Ended, open: OpenLayer, folder: string): Promise<boolean> {
  if (mode !== "ask") return mode === "all";
  const { changes } = open;
  context.stderr.write(
    `session ${session.name} · ${printable(folder)}\n${summaryLine(summarise(changes))}\n`,
  );
  context.stderr.write(cautions(changes));
  return /^y(es)?$/i.test(await ask("Apply them? [y/N] ", context));
}

async function settle(ended: Ended): Promise<void> {
  const { session, mode, context } = ended;
  // Another cell of the session works on: whoever ends last settles.
  if (session.live) return;
  const layers = waitingLayers(session);
  if (mode === "none" && !layers.some((layer) => layer.mode === "auto")) return;
  const input = { state: stateOf(context), installation: context.installation, session };
  await reviewSession(
    input,
    () => [],
    async (open, layer) => {
      const isAuto = layer.mode === "auto";
      if (open.changes.length === 0) return open.discard([]);
      if (!isAuto && !(await wants(ended, open, layer.folder))) return;
      // In `auto` nobody looks: what cannot be had back by typing waits for the person.
      const { chosen, held } = divideChanges(open.changes, { waiting: !isAuto, conflicts: false });
      const result = chosen.length === 0 ? { left: [] } : await open.apply(chosen);
      sayApplied({ session, folder: layer.folder, out: context.stderr }, result, held);
    },
  );
}

/** Other sessions with changes of the same folders that nobody has looked at yet. */
function olderOn(session: KnownSession, folders: readonly string[], context: CommandContext): number {
  return listSessions(stateOf(context)).filter(
    (other) =>
      other.name !== session.name && waitingLayers(other).some(({ folder }) => folders.includes(folder)),
  ).length;
}

/** After a command that could change reviewed folders: applies what is to be, and says in one line what waits. */
export async function settleChanges(
  name: string,
  folders: readonly string[],
  how: { readonly mode: ApplyMode; readonly context: CommandContext },
): Promise<void> {
  const { context } = how;
  const session = chooseSession(stateOf(context), name, "changes");
  await settle({ session, ...how });
  const count = countWaiting(session);
  const older = olderOn(session, folders, context);
  const others =
    older === 0 ? "" : `; ${counted(older, "older session")} on this folder, too: workcell session list`;
  if (count > 0)
    context.stderr.write(
      `workcell: ${counted(count, "change")} wait${count === 1 ? "s" : ""} in session ${name}: workcell diff, workcell apply${others}\n`,
    );
  else if (older > 0)
    context.stderr.write(
      `workcell: ${counted(older, "older session")} on this folder: workcell session list\n`,
    );
}
