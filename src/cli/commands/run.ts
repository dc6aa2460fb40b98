import { WorkcellError } from "../../errors/index.ts";
import { readApplyMode } from "../changes/apply-mode.ts";
import type { Command } from "../command.ts";
import { checkTerminal, explainWork, runFlags, runInCell, sayDenials, sayEnding } from "../run-in-cell.ts";

export const run: Command = {
  name: "run",
  summary: "run a command in a cell of its own",
  usage: "[FLAGS] [--] CMD ARGS...",
  notes: [
    "The command sees system folders and what -m connects, starts in the first folder that is connected, and reaches no host but what --preset and --allow-host name.",
    "A folder in review stays as it is: workcell diff shows what waits, workcell apply carries it over.",
    "The exit code is the command's own; 124 after a time limit, 125 when Workcell failed and nothing was started, 137 after another limit.",
  ],
  flags: runFlags,
  example: "workcell run -m . --preset npm npm test",
  commandFollows: true,
  async run(flags, words, context) {
    if (words.length === 0) {
      throw new WorkcellError("WC_USAGE", {
        message: "Cannot run: no command is given, and one is needed",
        remedy: "Name it last: workcell run -m . npm test",
      });
    }
    const work = { command: words, terminal: flags.has("terminal") };
    if (flags.has("explain")) return explainWork(flags, work, context);
    checkTerminal(flags);
    const mode = readApplyMode(flags, context);
    const { outcome, reviewed } = await runInCell(flags, work, context);
    sayEnding(outcome, context);
    if (outcome.denials.length > 0) sayDenials(outcome.denials, context);
    if (reviewed.length > 0) {
      const { settleChanges } = await import("../changes/after-run.ts");
      await settleChanges(outcome.session, reviewed, { mode, context });
    }
    return outcome.exitCode;
  },
};
