import type { OpenLayer, StepResult } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import {
  countWaiting,
  type KnownSession,
  listSessions,
  namedSession,
  readOr,
  reviewSession,
  waitingLayers,
} from "../../session/index.ts";
import type { CommandContext } from "../command.ts";
import { renderError } from "../render/error.ts";
import { shownAge } from "./age.ts";
import type { ApplyMode } from "./apply-mode.ts";
import { ask } from "./ask.ts";
import { sayRecovered } from "./asked.ts";
import { listChanges } from "./list-changes.ts";
import { counted } from "./say.ts";
import { sayApplied } from "./say-applied.ts";
import { divideChanges } from "./select.ts";
import { keepWithinDisk } from "./within-disk.ts";
import { stateOf } from "./words.ts";

const MOST_NAMED = 3;

interface Ended {
  readonly session: KnownSession;
  readonly mode: ApplyMode;
  readonly context: CommandContext;
}

async function wants({ session, mode, context }: Ended, open: OpenLayer, folder: string): Promise<boolean> {
  if (mode !== "ask") return mode === "all";
  await listChanges(open, { session: session.name, folder }, (text) => void context.stderr.write(text));
  // All are held back, and a yes would change nothing: what would is said instead.
  if (divideChanges(open.changes, { waiting: true, conflicts: false }).chosen.length === 0) return true;
  for (;;) {
    const word = await ask("Apply them? [y/N, d to see them first] ", context);
    if (!/^d(iff)?$/i.test(word)) return /^y(es)?$/i.test(word);
    const { showChanges } = await import("./show-changes.ts");
    await showChanges(open, context);
  }
}

/** Resolves to the numbers of the steps that were made. */
async function settleLayers(ended: Ended): Promise<readonly number[]> {
  const { session, context } = ended;
  const input = { state: stateOf(context), installation: context.installation, session };
  const made: number[] = [];
  await reviewSession(
    input,
    (layer) => (ended.mode === "none" && layer.mode !== "auto" ? undefined : { named: [] }),
    async (open, layer) => {
      const isAuto = layer.mode === "auto";
      sayRecovered(open.recovered, open.steps, context);
      if (open.changes.length === 0) return open.discard([]);
      if (!isAuto && !(await wants(ended, open, layer.folder))) return;
      // In `auto` nobody looks: what cannot be had back by typing waits for the person.
      const { chosen, held } = divideChanges(open.changes, { waiting: !isAuto, conflicts: false });
      const result: StepResult = chosen.length === 0 ? { left: [] } : await open.apply(chosen);
      if (result.step !== undefined) made.push(result.step.number);
      const said = { session, folder: layer.folder, cwd: context.cwd, out: context.stderr };
      sayApplied(said, result, held);
    },
  );
  return made;
}

/** The command has ended, as it is; that its changes could not be applied is said, and they wait. */
async function settle(ended: Ended): Promise<void> {
  // Another cell of the session works on: whoever ends last settles.
  if (ended.session.live) return;
  const { session, context } = ended;
  try {
    const made = await settleLayers(ended);
    // Also without a step: what the command wrote counts to the same disk.
    await keepWithinDisk(
      { state: stateOf(context), installation: context.installation, session },
      made,
      context,
    );
  } catch (error) {
    if (!(error instanceof WorkcellError)) throw error;
    context.stderr.write(renderError(error));
  }
}

/** Names other sessions with changes of the same folders that nobody has looked at yet. */
function sayOlder(session: KnownSession, folders: readonly string[], context: CommandContext): void {
  const now = Date.now();
  const older = listSessions(stateOf(context)).filter(
    (other) =>
      other.name !== session.name &&
      readOr(() => waitingLayers(other), []).some(({ folder }) => folders.includes(folder)),
  );
  if (older.length === 0) return;
  const named = older
    .slice(0, MOST_NAMED)
    .map(({ name, usedAtMs }) => `${name} (${shownAge(usedAtMs, now)} ago)`);
  const more = older.length > MOST_NAMED ? ` and ${older.length - MOST_NAMED} more` : "";
  const [only] = older.length === 1 ? older : [];
  const look = only === undefined ? "workcell session list" : `workcell diff ${only.name}`;
  context.stderr.write(
    `workcell: older changes of this folder, which this run did not see, wait in ${named.join(", ")}${more}: ${look}\n`,
  );
}

/** After a command that could change reviewed folders: applies what is to be, and says in one line what waits. */
export async function settleChanges(
  name: string,
  folders: readonly string[],
  how: { readonly mode: ApplyMode; readonly context: CommandContext },
): Promise<void> {
  const { context } = how;
  const session = namedSession(stateOf(context), name);
  await settle({ session, ...how });
  const count = countWaiting(session, context.installation);
  if (count > 0)
    context.stderr.write(
      `workcell: ${counted(count, "change")} wait${count === 1 ? "s" : ""} in session ${name}: workcell diff, workcell apply\n`,
    );
  sayOlder(session, folders, context);
}
