import { accessSync, constants, existsSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isatty } from "node:tty";
import { codeOf, WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { AuditLine, Denial, Outcome, Settings } from "../../model/index.ts";
import { explainRun, type RunningCell, type RunRequest, startCell } from "../../session/index.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";
import { forwardSignals } from "../forward-signals.ts";
import { readSettingsFlags, settingsFlags } from "../settings-flags.ts";

function say(context: CommandContext, line: string): void {
  context.stderr.write(`workcell: ${printable(line)}\n`);
}

/** A person who forgot `-m` would else wonder where the files are. */
function hintAtMount({ mounts }: Settings, context: CommandContext): void {
  if (mounts.length > 0) return;
  const { cwd, home } = context;
  if (cwd === home || cwd === "/" || cwd.startsWith(path.join(home, "."))) return;
  const isProject = readdirSync(cwd).some((name) => !name.startsWith("."));
  if (isProject) say(context, "No folder is connected; add -m .:rw to work on this one.");
}

const mebibytes = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)} MiB`;

function sayEnding(outcome: Outcome, context: CommandContext): void {
  if (outcome.status === "never-started") say(context, outcome.reason);
  if (outcome.status === "timed-out") {
    const why =
      outcome.idleMs === undefined ? "its time was up (--timeout" : "it was silent for too long (--idle";
    say(context, `the command was ended: ${why} gives it more)`);
  }
  if (outcome.status === "cancelled") say(context, "the command was cancelled");
  if (outcome.status === "forwarder-lost")
    say(context, "the cell was ended: the shell that looks after its tunnels was lost");
  if ("limit" in outcome) {
    const { name, limitBytes, usedBytes, flag } = outcome.limit;
    const used = `${mebibytes(usedBytes)} of ${mebibytes(limitBytes)}`;
    say(context, `the command was ended: its limit of ${name} was reached, ${used} (${flag} raises it)`);
  }
}

function sayDenials(denials: readonly Denial[], context: CommandContext): void {
  const seen = new Map(denials.map((denial) => [`${denial.what} ${denial.rule}`, denial]));
  for (const { what, layer, rule, remedy } of seen.values()) {
    say(context, `refused ${what} (${layer}: ${rule}); ${layer === "gate" ? "to allow it: " : ""}${remedy}`);
  }
}

function makeRequest(flags: FlagValues, words: readonly string[], context: CommandContext) {
  return {
    flags: readSettingsFlags(flags),
    env: context.env,
    cwd: context.cwd,
    home: context.home,
    installation: context.installation,
    command: words,
    onNotice: (line: string) => say(context, line),
  };
}

async function explain(
  flags: FlagValues,
  words: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { renderPlan } = await import("../render/plan.ts");
  const { describeFilters } = await import("../../plan/index.ts");
  const explained = await explainRun(makeRequest(flags, words, context));
  context.stdout.write(renderPlan({ ...explained, filters: await describeFilters(explained.plan) }));
  return 0;
}

async function copyAudit(file: string | undefined, lines: readonly AuditLine[]): Promise<void> {
  if (file === undefined || lines.length === 0) return;
  const { appendCopy } = await import("../../report/index.ts");
  await appendCopy(file, lines);
}

async function runCommand(
  flags: FlagValues,
  words: readonly string[],
  context: CommandContext,
): Promise<Outcome> {
  const lines: AuditLine[] = [];
  const cancel = new AbortController();
  let cell: RunningCell | undefined;
  const stopForwarding = forwardSignals(() => cell, cancel);
  try {
    const request: RunRequest = {
      ...makeRequest(flags, words, context),
      stdio: ["inherit", "inherit", "inherit"],
      signal: cancel.signal,
      onDecided: (settings) => hintAtMount(settings, context),
      terminal: flags.has("terminal"),
      ...(flags.has("audit") ? { onAudit: (more: readonly AuditLine[]) => void lines.push(...more) } : {}),
    };
    cell = await startCell(request);
    return await cell.outcome;
  } finally {
    stopForwarding();
    await copyAudit(flags.text("audit"), lines);
  }
}

/** Looks at the file of `--outcome` before anything starts: no command runs whose outcome would be lost. */
function checkOutcomeFile(flags: FlagValues, context: CommandContext): (outcome: Outcome) => void {
  const file = flags.text("outcome");
  if (file === undefined) return () => {};
  const place = path.resolve(context.cwd, file);
  try {
    accessSync(existsSync(place) ? place : path.dirname(place), constants.W_OK);
  } catch (cause) {
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot write the outcome to "${file}" (flag --outcome): ${codeOf(cause) ?? "it cannot be opened"}`,
      remedy: "Name a file in a folder that exists and that you may write to",
      cause,
    });
  }
  return (outcome) => writeFileSync(place, `${JSON.stringify(outcome)}\n`);
}

/** A terminal can only be joined to a terminal. */
function checkTerminal(flags: FlagValues): void {
  if (!flags.has("terminal") || (isatty(0) && isatty(1))) return;
  throw new WorkcellError("WC_USAGE", {
    message:
      "Cannot give the command a terminal (flag -t): Workcell's own stdin and stdout are none, and both must be",
    remedy: "Leave -t out, or start Workcell in a terminal",
  });
}

export const run: Command = {
  name: "run",
  summary: "run a command in a cell of its own",
  usage: "[FLAGS] [--] CMD ARGS...",
  flags: [
    ...settingsFlags,
    { name: "terminal", short: "t", help: "give the command a terminal of its own, joined to this one" },
    { name: "outcome", value: "FILE", help: "write how the command ended to FILE, as JSON" },
    { name: "audit", value: "FILE", help: "append this run's audit lines to FILE too" },
    { name: "explain", help: "print the plan: argv, mounts, filters, environment; start nothing" },
  ],
  example: "workcell run -m .:rw --preset npm npm test",
  commandFollows: true,
  async run(flags, words, context) {
    if (words.length === 0) {
      throw new WorkcellError("WC_USAGE", {
        message: "Cannot run: no command is given, and one is needed",
        remedy: "Name it last: workcell run -m .:rw npm test",
      });
    }
    if (flags.has("explain")) return explain(flags, words, context);
    checkTerminal(flags);
    const writeOutcome = checkOutcomeFile(flags, context);
    const outcome = await runCommand(flags, words, context);
    sayEnding(outcome, context);
    if (outcome.denials.length > 0) sayDenials(outcome.denials, context);
    writeOutcome(outcome);
    return outcome.exitCode;
  },
};
