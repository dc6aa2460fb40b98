import path from "node:path";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import { runDoctor, summarizeDoctor } from "../../probe/index.ts";
import { readSettings } from "../../settings/index.ts";
import type { Command, CommandContext } from "../command.ts";
import { renderDoctor } from "../render/doctor.ts";

const noFlags = { allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] };

async function examine({ env, cwd, home, installation }: CommandContext) {
  // The range of uids is a setting, and a wrong one is what the doctor is to find.
  const { settings } = await readSettings({ flags: noFlags, env, cwd, home });
  const cellhost = path.join(installation, "native/cellhost");
  return runDoctor({ env, home, cwd, cellhost, uidRange: settings.uidRange.value });
}

/** `workcell doctor`: exit code 1 when something is missing that a promise rests on. */
export const doctor: Command = {
  name: "doctor",
  summary: "try everything that cells rest on, and say what to do about the rest",
  usage: "[--json]",
  flags: [{ name: "json", help: "print the checks as JSON" }],
  example: "workcell doctor",
  async run(flags, words, context) {
    if (words.length > 0)
      throw new WorkcellError("WC_USAGE", {
        message: `Cannot read the command line: "${printable(words[0] ?? "")}" is one word too many`,
        remedy: "See: workcell doctor --help",
      });
    const checks = await examine(context);
    const summary = summarizeDoctor(checks);
    const asJson = () => `${JSON.stringify({ schema: "workcell.doctor/1", summary, checks }, null, 2)}\n`;
    context.stdout.write(flags.has("json") ? asJson() : renderDoctor(checks, summary));
    return checks.some(({ status }) => status === "missing") ? 1 : 0;
  },
};
