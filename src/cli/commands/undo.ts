import type { Step, StepResult } from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import { chooseSession, doneSteps, isUndoable, type KnownSession, openStep } from "../../session/index.ts";
import { shownAge } from "../changes/age.ts";
import { counted, leftLines } from "../changes/say.ts";
import { pathsIn, readWords, stateOf } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

function noStep(session: KnownSession, asked: string | undefined): WorkcellError {
  return new WorkcellError("WC_FILES", {
    message:
      asked === undefined
        ? `Session "${session.name}" has no step that can be undone`
        : `Cannot undo step "${printable(asked)}" of session "${session.name}": there is no such step`,
    remedy: `See which there are: workcell undo ${session.name} --list`,
  });
}

function chooseStep(session: KnownSession, flags: FlagValues): Step {
  const asked = flags.text("step");
  const steps = doneSteps(session);
  const found =
    asked === undefined
      ? steps.filter(isUndoable).at(-1)
      : steps.find(({ number }) => String(number) === asked);
  if (found === undefined) throw noStep(session, asked);
  return found;
}

function listSteps(session: KnownSession, context: CommandContext): number {
  const now = Date.now();
  for (const step of doneSteps(session)) {
    const { number, kind, of, time, operations, folder, undone = [] } = step;
    const what = kind === "undo" ? `undo of step ${of}` : "apply";
    const back = operations.every(({ path: place }) => undone.includes(place)) ? ", undone" : "";
    context.stdout.write(
      `${String(number).padStart(3)}  ${what.padEnd(14)}  ${shownAge(Date.parse(time), now)} ago  ${counted(operations.length, "path")}${back}  ${printable(folder)}\n`,
    );
  }
  return 0;
}

function sayUndone(step: Step, { step: undo, left }: StepResult, context: CommandContext): void {
  const done = (undo?.done ?? []).filter(({ failed }) => failed === undefined).length;
  if (undo !== undefined)
    context.stdout.write(
      `Undid ${counted(done, "path")} of step ${step.number} in ${printable(step.folder)} (step ${undo.number})\n`,
    );
  context.stdout.write(leftLines(left));
}

export const undo: Command = {
  name: "undo",
  summary: "take back what was applied to a folder, as a whole or by path",
  usage: "[FLAGS] [SESSION] [PATH...]",
  flags: [
    { name: "step", value: "N", help: "which step; else the newest that can be undone" },
    { name: "list", help: "list the session's steps" },
  ],
  example: "workcell undo src/main.ts",
  async run(flags, words, context) {
    const { name, paths } = readWords(words, context);
    const state = stateOf(context);
    const session = chooseSession(state, name, "step");
    if (flags.has("list")) return listSteps(session, context);
    const step = chooseStep(session, flags);
    const only = pathsIn(paths, step.folder, context.cwd);
    if (paths.length > 0 && only.length === 0) throw noStep(session, undefined);
    const input = { state, installation: context.installation, session };
    const result = await openStep(input, step, (open) =>
      open.undo(step.number, paths.length === 0 ? undefined : only),
    );
    sayUndone(step, result, context);
    if (result.step === undefined && result.left.length === 0)
      context.stdout.write(`Nothing of step ${step.number} lies there\n`);
    return result.left.length === 0 ? 0 : 1;
  },
};
