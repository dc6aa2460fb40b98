import path from "node:path";
import { WorkcellError } from "../../errors/index.ts";
import { createSession } from "../../session/index.ts";
import { stateOf } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";
import { say } from "../run-in-cell.ts";
import { keepFlags, SESSION_FLAGS } from "../session/kept-flags.ts";
import { readSettingsFlags, settingsFlags } from "../settings-flags.ts";

function checkVariables(flags: FlagValues): void {
  const given = flags.all("env").find((variable) => variable.includes("="));
  if (given === undefined) return;
  const [name = ""] = given.split("=");
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot keep the value of ${name} (flag -e) with a session: it may be a secret, and none is written down`,
    remedy: `Give -e ${name}, which passes the host's value in at each run, or give the value with run`,
  });
}

async function create(name: string, flags: FlagValues, context: CommandContext): Promise<number> {
  const state = stateOf(context);
  const { env, cwd, home, installation, stdout } = context;
  const onNotice = (line: string) => say(context, line);
  const request = { flags: readSettingsFlags(flags), env, cwd, home, installation, onNotice };
  const { folder } = await createSession(state, name, request);
  keepFlags(path.join(folder, SESSION_FLAGS), flags, cwd);
  if (flags.has("json"))
    stdout.write(`${JSON.stringify({ schema: "workcell.session-created/1", name, folder })}\n`);
  else stdout.write(`Made session ${name}; to work in it: workcell run --session ${name} CMD\n`);
  return 0;
}

export const sessionCreate: Command = {
  name: "session create",
  summary: "make a session that stays, and start nothing in it",
  usage: "NAME [FLAGS]",
  flags: [
    ...settingsFlags.filter(({ name }) => name !== "session"),
    { name: "json", group: "Output", help: "say what was made as JSON" },
  ],
  example: "workcell session create calm-brave-curie -m . --preset npm --disk 2G",
  async run(flags, words, context) {
    const [name, more] = words;
    if (name === undefined || more !== undefined) {
      throw new WorkcellError("WC_USAGE", {
        message:
          name === undefined
            ? "Cannot make a session: no name is given, and one is needed"
            : `Cannot make a session: "${more}" is one word too many`,
        remedy: "Name it like: workcell session create brave-loving-maxwell -m .",
      });
    }
    checkVariables(flags);
    return create(name, flags, context);
  },
};
