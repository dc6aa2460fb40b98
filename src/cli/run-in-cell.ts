import { readdirSync } from "node:fs";
import path from "node:path";
import { isatty } from "node:tty";
import { WorkcellError } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import { stateFolder } from "../lib/xdg-folders.ts";
import type { AuditLine, Denial, Outcome, Settings } from "../model/index.ts";
import { explainRun, type RunningCell, type RunRequest, startCell } from "../session/index.ts";
import type { CommandContext, Flag, FlagValues } from "./command.ts";
import { forwardSignals } from "./forward-signals.ts";
import { openPersonFile, type PersonFile } from "./person-file.ts";
import { CELL_FLAGS, keepFlags, withSessionFlags } from "./session/kept-flags.ts";
import { readSettingsFlags, settingsFlags } from "./settings-flags.ts";

/** The flags of every command that runs something in a cell and waits for it. */
export const runFlags: readonly Flag[] = [
  ...settingsFlags,
  {
    ...{ name: "terminal", short: "t", group: "Everyday" },
    help: "give the command a terminal of its own, joined to this one",
  },
  {
    ...{ name: "apply", value: "HOW", group: "Folders" },
    help: "what becomes of changes in review at the end: ask, all, or none (when none is said: they wait)",
  },
  {
    ...{ name: "outcome", value: "FILE", group: "Output" },
    help: "write how the command ended to FILE, as JSON",
  },
  {
    ...{ name: "audit", value: "FILE", group: "Output" },
    help: "append what was allowed and refused to FILE, too",
  },
  {
    ...{ name: "explain", group: "Output" },
    help: "print the plan: command line, mounts, filters, environment; start nothing",
  },
];

/** What runs, and what it brings beside its words. */
export type CellWork = Pick<RunRequest, "command"> &
  Partial<Pick<RunRequest, "flags" | "kit" | "routes" | "terminal" | "stdio">> & {
    /** The command runs; what it is piped can be read. */
    onStarted?(cell: RunningCell): void;
    /** Takes an interrupt instead of the command; false: the cell is to end. */
    interrupt?(): boolean;
  };

/** One line on stderr. */
export function say(context: CommandContext, line: string): void {
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
  if (looksLikeProject(cwd)) say(context, "No folder is connected; add -m . to work on this one.");
}

function looksLikeProject(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => !name.startsWith("."));
  } catch {
    // A folder that may be entered and not listed is no reason not to run.
    return false;
  }
}

/** An amount of memory or disk as a person writes it. */
function amount(bytes: number): string {
  const [unit, size] = bytes < 1024 ** 2 ? ["KiB", 1024] : ["MiB", 1024 ** 2];
  return `${(bytes / size).toFixed(bytes < 10 * size ? 1 : 0)} ${unit}`;
}

/** Why the command ended, where that was not its own doing. */
export function sayEnding(outcome: Outcome, context: CommandContext): void {
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

/** What was refused, each thing once. */
export function sayDenials(denials: readonly Denial[], context: CommandContext): void {
  const seen = new Map(denials.map((denial) => [`${denial.what} ${denial.rule}`, denial]));
  for (const { what, layer, rule, remedy } of seen.values()) {
    const next = layer === "gate" ? `; to allow it: ${remedy}` : `. ${remedy}`;
    say(context, `refused ${what} (${layer}: ${rule})${next}`);
  }
}

function makeRequest(flags: FlagValues, work: CellWork, context: CommandContext) {
  return {
    flags: readSettingsFlags(withSessionFlags(flags, context)),
    env: context.env,
    cwd: context.cwd,
    home: context.home,
    installation: context.installation,
    onNotice: (line: string) => say(context, line),
    ...work,
  };
}

/** `--explain`: prints the plan, and starts nothing. */
export async function explainWork(
  flags: FlagValues,
  work: CellWork,
  context: CommandContext,
): Promise<number> {
  const { renderPlan } = await import("./render/plan.ts");
  const { describeFilters } = await import("../plan/index.ts");
  const explained = await explainRun(makeRequest(flags, work, context));
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

/** A command that has ended. */
export interface Ran {
  readonly outcome: Outcome;
  /** The folders whose changes went into a layer. */
  readonly reviewed: readonly string[];
}

/** Runs something in a cell to its end: files of the person's, signals, all that `workcell run` does for its command. */
export async function runInCell(flags: FlagValues, work: CellWork, context: CommandContext): Promise<Ran> {
  const files = new PersonFiles();
  const cancel = new AbortController();
  let cell: RunningCell | undefined;
  const stopForwarding = forwardSignals(() => cell && reach(cell, work), cancel);
  try {
    const request: RunRequest = {
      stdio: ["inherit", "inherit", "inherit"],
      ...makeRequest(flags, work, context),
      signal: cancel.signal,
      onDecided: () => files.open(flags, context),
      onLaunched: (settings) => hintAtFolders(settings, context),
      onAudit: (lines) => files.addAudit(lines),
    };
    cell = await startCell(request);
    work.onStarted?.(cell);
    keepAsked(cell, flags, context);
    const { merged = [], copies = [] } = cell.plan.layers ?? {};
    const reviewed = [...merged, ...copies].map(({ lower }) => lower);
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

/** Where signals go. */
function reach(cell: RunningCell, { interrupt }: CellWork): Pick<RunningCell, "kill"> {
  return { kill: (name) => (name === "SIGINT" && interrupt !== undefined ? interrupt() : cell.kill(name)) };
}

/** In the reference tunnel a further command starts a further cell, and needs to know how this one was started. */
function keepAsked({ plan }: RunningCell, flags: FlagValues, context: CommandContext): void {
  if (plan.execSocket !== undefined) return;
  const { cwd, env, home } = context;
  const folder = path.join(stateFolder(env, home), "sessions", plan.session, "cells", plan.cell);
  try {
    keepFlags(path.join(folder, CELL_FLAGS), flags, cwd);
  } catch (error) {
    // The command runs, and a full disk must not end it.
    const why = error instanceof Error ? error.message : String(error);
    say(context, `A further command in this session will know none of these flags: ${why}`);
  }
}

/** A terminal can only be joined to a terminal. */
export function checkTerminal(flags: FlagValues): void {
  if (!flags.has("terminal") || (isatty(0) && isatty(1))) return;
  throw new WorkcellError("WC_USAGE", {
    message:
      "Cannot give the command a terminal (flag -t): Workcell's own stdin and stdout are none, and both must be",
    remedy: "Leave -t out, or start Workcell in a terminal",
  });
}
