import { agentDrivers, findDriver } from "../../agent/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import { observe } from "../../observe/index.ts";
import {
  judgeEnvironment,
  referenceRows,
  renderMarkdown,
  renderReportJson,
  renderUnmet,
  selectRowIds,
  summarizeRows,
  unmetRows,
} from "../../report/index.ts";
import { findAgentProgram } from "../agent/find-program.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";
import { openPersonFile } from "../person-file.ts";
import { readSettingsFlags, settingsFlagsNamed } from "../settings-flags.ts";

type Format = "markdown" | "json";

function readFormat(flags: FlagValues): Format {
  const format = flags.text("format") ?? (flags.has("json") ? "json" : "markdown");
  if (format === "markdown" || format === "json") return format;
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot write the report as "${format}" (flag --format): markdown or json is needed`,
    remedy: "Run: workcell report --format markdown",
  });
}

/** The agent that the person wants observed, as they have installed it. */
function agentOf(flags: FlagValues, context: CommandContext) {
  const name = flags.text("agent");
  if (name === undefined) return {};
  const driver = findDriver(name);
  if (driver?.api !== "messages") {
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot observe the agent "${printable(name)}" (flag --agent): an agent that the scripted model can answer is needed`,
      remedy: `Name one of: ${agentDrivers.flatMap((one) => (one.api === "messages" ? [one.name] : [])).join(", ")}`,
    });
  }
  return { agent: { driver, program: findAgentProgram(driver, context) } };
}

async function observeRows(flags: FlagValues, wanted: ReadonlySet<string>, context: CommandContext) {
  // The report's own --output names a file; the limit of that name is no flag of this command.
  const { output: _, ...settings } = readSettingsFlags(flags);
  const said = new Set<string>();
  const request = {
    flags: settings,
    env: context.env,
    cwd: context.cwd,
    home: context.home,
    installation: context.installation,
    ...agentOf(flags, context),
    // Several cells are started, and each would say the same.
    onNotice: (line: string) => {
      if (!said.has(line)) context.stderr.write(`workcell: ${printable(line)}\n`);
      said.add(line);
    },
  };
  const observations = await observe(request, wanted);
  const whole = judgeEnvironment(observations);
  return { observations, report: { ...whole, rows: whole.rows.filter(({ id }) => wanted.has(id)) } };
}

/** Opens the place of the report before it is made: observing takes seconds, and nothing of it should be lost. */
function openOutput(flags: FlagValues, context: CommandContext): (text: string) => void {
  const name = flags.text("output");
  if (name === undefined) return (text) => void context.stdout.write(text);
  const file = openPersonFile(name, "--output", context.cwd);
  return (text) => {
    file.replace(text);
    file.close();
  };
}

export const report: Command = {
  name: "report",
  summary: "observe a fresh cell, and compare it with the reference row by row",
  usage: "[FLAGS]",
  notes: [
    "The reference is the environment of an AI coworker that the profile cowork is made to be as. Without a flag the report goes to stdout.",
  ],
  flags: [
    ...settingsFlagsNamed("profile", "tunnel", "tier", "settings", "session"),
    { name: "agent", value: "AGENT", help: "observe this agent at work, instead of the built-in one" },
    { name: "format", value: "FORMAT", help: "markdown (a document) or json" },
    { name: "json", help: "the same as --format json" },
    { name: "output", value: "FILE", help: "write the report to FILE" },
    { name: "verify", help: "print only rows that are not as required; exit 1 if there are any" },
    { name: "only", value: "IDS", help: "narrow it to these rows: os.hostname,box.*" },
  ],
  example: "workcell report --profile cowork --output report.md",
  async run(flags, words, context) {
    if (words.length > 0) {
      throw new WorkcellError("WC_USAGE", {
        message: `Cannot report on "${words[0]}": workcell report takes flags only`,
        remedy: "Run: workcell report --only os.hostname",
      });
    }
    const format = readFormat(flags);
    const only = flags.text("only");
    const wanted = only === undefined ? new Set(referenceRows.map(({ id }) => id)) : selectRowIds(only);
    const write = openOutput(flags, context);
    const { observations, report: found } = await observeRows(flags, wanted, context);
    const verify = flags.has("verify");
    const unmet = unmetRows(found.rows);
    if (format === "json") write(renderReportJson(verify ? { ...found, rows: unmet } : found));
    else if (verify) write(renderUnmet(found.rows));
    else write(renderMarkdown(found, observations));
    if (verify || flags.has("output")) context.stderr.write(`workcell: ${summarizeRows(found.rows)}\n`);
    return verify && unmet.length > 0 ? 1 : 0;
  },
};
