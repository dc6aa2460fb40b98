import process from "node:process";
import type { AgentDriver, AgentWork } from "../../agent/index.ts";
import { type RunningCell, uncoveredIn } from "../../session/index.ts";
import { canAsk } from "../changes/ask.ts";
import { stateOf } from "../changes/words.ts";
import type { CommandContext, FlagValues } from "../command.ts";
import { type CellWork, type Ran, runInCell, say } from "../run-in-cell.ts";
import { keepConversation } from "./conversation.ts";
import { guardEditor } from "./guard-editor.ts";
import { holdTalk, type Talking } from "./hold-talk.ts";
import type { Resumed } from "./resumed.ts";

/** Exit codes when something was refused because nobody could be asked, when the work failed, and when it was stopped; the built-in agent has the same. */
const REFUSED = 3;
const FAILED = 1;
const INTERRUPTED = 130;

/** Who is talked with, and about what. */
export interface Talked {
  readonly driver: AgentDriver;
  readonly task?: string;
  readonly output: AgentWork["output"];
  /** Workcell itself talks with it; else it is left to the person, or to another program. */
  readonly isTalked: boolean;
  /** It is to ask before it does things. */
  readonly isAsking: boolean;
  /** The session that stays; absent: none does. */
  readonly session: string | undefined;
  readonly resumed: Resumed | undefined;
}

/** Runs an agent, and talks with it where it is to be talked with; the code says what came of it. */
export async function runTalking(
  flags: FlagValues,
  { talked, work }: { readonly talked: Talked; readonly work: CellWork },
  context: CommandContext,
): Promise<Ran & { readonly code: number }> {
  let talking: Talking | undefined;
  const notes: Promise<void>[] = [];
  const note = (id?: string) => void notes.push(noteConversation(talked, id, context));
  const onStarted = (cell: RunningCell) => {
    guardAgainst(cell, { talked, work }, context);
    talking = begin(cell, { talked, note }, context);
    if (talking === undefined) note();
  };
  const interrupt = talked.isTalked ? { interrupt: () => talking?.interrupt() ?? false } : {};
  const ran = await runInCell(flags, { ...work, ...interrupt, onStarted }, context);
  const { refused = 0, end } = (await talking?.held) ?? {};
  await Promise.all(notes);
  const { exitCode, status, signal } = ran.outcome;
  // Where the agent has its own screen, or prints lines of its own, nobody knows how its turn ended.
  const isCut = talked.isTalked ? end === undefined : signal !== null;
  const isStarted = exitCode < 125 || signal !== null;
  if (isCut && isStarted && (status === "exited" || status === "signalled"))
    say(
      context,
      `${talked.driver.title} ended in the middle of its work (${signal ?? `exit code ${exitCode}`})`,
    );
  const said = end === "failed" ? FAILED : refused > 0 ? REFUSED : 0;
  return { ...ran, code: end === "interrupted" ? INTERRUPTED : exitCode !== 0 ? exitCode : said };
}

/** Where an editor is listened to: the folders it names are known only then. */
export const isGuarded = ({ output, driver }: Pick<Talked, "output" | "driver">): boolean =>
  output === "acp" && driver.config?.isReadAnyway === true;

/** Keeps an agent from folders whose own configuration it would take into account, and that nothing covers. */
function guardAgainst(
  { stdin, stdout, plan }: RunningCell,
  { talked, work }: { readonly talked: Talked; readonly work: CellWork },
  context: CommandContext,
): void {
  const names = work.kit?.config?.names;
  if (!isGuarded(talked) || names === undefined || stdin === null || stdout === null) return;
  const { title, name } = talked.driver;
  const ends = { from: context.stdin ?? process.stdin, to: context.stdout, stdin, stdout };
  guardEditor(ends, (folder) => {
    const found = uncoveredIn(plan, names, folder);
    return found === undefined
      ? undefined
      : `Workcell keeps ${title} from "${folder}": it would take "${found}" into account, and nobody agreed to that. Begin in that folder: workcell agent -w "${folder}" --acp ${name}`;
  });
}

function begin(
  { stdin, stdout, plan }: RunningCell,
  { talked, note }: { readonly talked: Talked; readonly note: (id: string) => void },
  context: CommandContext,
): Talking | undefined {
  const { driver, task = "", output, isTalked, isAsking, resumed } = talked;
  const id = resumed?.conversation?.id;
  const place = { cwd: plan.workdir, isAsking, ...(id === undefined ? {} : { conversation: id }) };
  const talk = isTalked ? driver.talk?.(task, place) : undefined;
  if (talk === undefined || stdin === null || stdout === null) return undefined;
  const typed = canAsk(context) ? { typed: context.stdin ?? process.stdin } : {};
  const heard = { talk, isShown: output === "human", onConversation: note, ...typed };
  return holdTalk({ stdin, stdout }, { ...heard, stdout: context.stdout, stderr: context.stderr });
}

/** For `--resume`. */
async function noteConversation(
  { driver, session }: Talked,
  id: string | undefined,
  context: CommandContext,
): Promise<void> {
  if (session === undefined) return;
  try {
    await keepConversation(stateOf(context), session, {
      agent: driver.name,
      ...(id === undefined ? {} : { id }),
    });
  } catch (error) {
    // The agent works, and a full disk must not end it.
    const why = error instanceof Error ? error.message : String(error);
    say(context, `This conversation is not written down, and --resume goes on with the newest: ${why}`);
  }
}
