import { readdirSync } from "node:fs";
import path from "node:path";
import { isatty } from "node:tty";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { AuditLine, Denial, Outcome, Settings } from "../../model/index.ts";
import { explainRun, type RunningCell, type RunRequest, startCell } from "../../session/index.ts";
import { readApplyMode } from "../changes/apply-mode.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";
import { forwardSignals } from "../forward-signals.ts";
import { openPersonFile, type PersonFile } from "../person-file.ts";
import { readSettingsFlags, settingsFlags } from "../settings-flags.ts";

function say(context: CommandContext, line: string): void {
  context.stderr.write(`workcell: ${printable(line)}\n`);
}

/** A person who forgot `-m`, or looks for the folder where the reference does not start, would else wonder. */
function hintAtFolders({ mounts, profile, workdir }: Settings, context: CommandContext): void {
  const { cwd, home } = context;
  const [first] = mounts;
  if (first !== undefined) {
    if (profile.value !== "cowork" || workdir !== undefined) return;
    const name = first.value.name ?? path.basename(path.resolve(cwd, first.value.source));
    say(
      context,
      `The command starts in its home, as in the reference; the folder is mnt/${name} (-w mnt/${name}).`,
    );
    return;
  }
  if (cwd === home || cwd === "/" || cwd.startsWith(`${home}/.`)) return;
  const isProject = readdirSync(cwd).some((name) => !name.startsWith("."));
  if (isProject) say(context, "No folder is connected; add -m . to work on this one.");
}

/** An amount of memory or disk as a person writes it. */
function amount(bytes: number): string {
  const [unit, size] = bytes < 1024 ** 2 ? ["KiB", 1024] : ["MiB", 1024 ** 2];
  return `${(bytes / size).toFixed(bytes < 10 * size ? 1 : 0)} ${unit}`;
}

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
    const used = `${amount(usedBytes)} of ${amount(limitBytes)}`;
    say(context, `the command was ended: its limit of ${name} was reached, ${used} (${flag} raises it)`);
  }
}

function sayDenials(denials: readonly Denial[], context: CommandContext): void {
  const seen = new Map(denials.map((denial) => [`${denial.what} ${denial.rule}`, denial]));
  for (const { what, layer, rule, remedy } of seen.values()) {
    const next = layer === "gate" ? `; to allow it: ${remedy}` : `. ${remedy}`;
    say(context, `refused ${what} (${layer}: ${rule})${next}`);
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

/** The files that the person wants written, opened when it is clear that there will be a run. */
class PersonFiles {
  #outcome: PersonFile | undefined;
  #audit: PersonFile | undefined;

  open(flags: FlagValues, { cwd }: CommandContext): void {
    const [outcome, audit] = [flags.text("outcome"), flags.text("audit")];
    if (outcome !== undefined) this.#outcome = openPersonFile(outcome, "--outcome", cwd);
    if (audit !== undefined) this.#audit = openPersonFile(audit, "--audit", cwd);
  }

  addAudit(lines: readonly AuditLine[]): void {
    this.#audit?.append(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  finish(outcome: Outcome): void {
    this.#outcome?.replace(`${JSON.stringify(outcome)}\n`);
    this.#outcome?.close();
    this.#audit?.close();
  }

  abandon(): void {
    this.#outcome?.abandon();
    this.#audit?.abandon();
  }
}

interface Ran {
  readonly outcome: Outcome;
  /** The folders whose changes went into a layer. */
  readonly reviewed: readonly string[];
}

async function runCommand(
  flags: FlagValues,
  words: readonly string[],
  context: CommandContext,
): Promise<Ran> {
  const files = new PersonFiles();
  const cancel = new AbortController();
  let cell: RunningCell | undefined;
  const stopForwarding = forwardSignals(() => cell, cancel);
  try {
    const request: RunRequest = {
      ...makeRequest(flags, words, context),
      stdio: ["inherit", "inherit", "inherit"],
      signal: cancel.signal,
      onDecided: (settings) => {
        files.open(flags, context);
        hintAtFolders(settings, context);
      },
      terminal: flags.has("terminal"),
      onAudit: (lines) => files.addAudit(lines),
    };
    cell = await startCell(request);
    const reviewed = (cell.plan.layers?.merged ?? []).map(({ lower }) => lower);
    const outcome = await cell.outcome;
    files.finish(outcome);
    return { outcome, reviewed };
  } catch (error) {
    files.abandon();
    throw error;
  } finally {
    stopForwarding();
  }
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
    {
      name: "apply",
      value: "HOW",
      help: "what becomes of changes in review at the end: ask, all or none (none)",
    },
    { name: "outcome", value: "FILE", help: "write how the command ended to FILE, as JSON" },
    { name: "audit", value: "FILE", help: "append this run's audit lines to FILE too" },
    { name: "explain", help: "print the plan: argv, mounts, filters, environment; start nothing" },
  ],
  example: "workcell run -m . --preset npm npm test",
  commandFollows: true,
  async run(flags, words, context) {
    if (words.length === 0) {
      throw new WorkcellError("WC_USAGE", {
        message: "Cannot run: no command is given, and one is needed",
        remedy: "Name it last: workcell run -m . npm test",
      });
    }
    if (flags.has("explain")) return explain(flags, words, context);
    checkTerminal(flags);
    const mode = readApplyMode(flags, context);
    const { outcome, reviewed } = await runCommand(flags, words, context);
    sayEnding(outcome, context);
    if (outcome.denials.length > 0) sayDenials(outcome.denials, context);
    if (reviewed.length > 0) {
      const { settleChanges } = await import("../changes/after-run.ts");
      await settleChanges(outcome.session, reviewed, { mode, context });
    }
    return outcome.exitCode;
  },
};
