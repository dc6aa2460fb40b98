import path from "node:path";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import { exportSession, namedSession } from "../../session/index.ts";
import { counted } from "../changes/say.ts";
import { stateOf } from "../changes/words.ts";
import type { Command } from "../command.ts";
import { say } from "../run-in-cell.ts";

export const sessionExport: Command = {
  name: "session export",
  summary: "write what is recorded of a session to a new folder",
  usage: "NAME FOLDER [FLAGS]",
  flags: [
    { name: "home", help: "its home too, as home.tar" },
    { name: "json", help: "say what was written as JSON" },
  ],
  example: "workcell session export brave-loving-maxwell ./maxwell",
  async run(flags, words, context) {
    const [name, folder, more] = words;
    if (name === undefined || folder === undefined || more !== undefined) {
      throw new WorkcellError("WC_USAGE", {
        message:
          more === undefined
            ? "Cannot export: a session and a folder that does not exist are needed"
            : `Cannot export: "${printable(more)}" is one word too many`,
        remedy: "Name both: workcell session export NAME ./FOLDER",
      });
    }
    const state = stateOf(context);
    const session = namedSession(state, name);
    const to = path.resolve(context.cwd, folder);
    const { env, cwd, home, installation } = context;
    const request = { env, cwd, home, installation, onNotice: (line: string) => say(context, line) };
    const written = await exportSession({ state, session, to, home: flags.has("home"), request });
    if (flags.has("json")) {
      context.stdout.write(
        `${JSON.stringify({ schema: "workcell.export/1", session: name, folder: to, ...written })}\n`,
      );
      return 0;
    }
    const { records, auditLines, archives, without } = written;
    const parts = [counted(records, "record"), counted(auditLines, "audit line"), ...archives].join(", ");
    context.stdout.write(`Wrote ${printable(to)}: ${parts}\n`);
    if (without !== undefined && flags.has("home")) say(context, `There is no home.tar: ${without}`);
    return 0;
  },
};
