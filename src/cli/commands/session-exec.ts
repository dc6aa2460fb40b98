import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import {
  execFurther,
  type KnownSession,
  type LiveCell,
  liveCells,
  namedSession,
  type RunningFurther,
} from "../../session/index.ts";
import { stateOf } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";
import { forwardToFurther } from "../forward-signals.ts";
import { checkTerminal, say } from "../run-in-cell.ts";
import { runFurtherCell } from "../session/further-cell.ts";

/** NAME and NAME=V, as for `run`. Throws WC_USAGE for what is no variable. */
function readVariables(flags: FlagValues, { env }: CommandContext): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const given of flags.all("env")) {
    const [name = "", ...rest] = given.split("=");
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new WorkcellError("WC_USAGE", {
        message: `Cannot set the variable "${printable(name)}" (flag -e): it is no name of a variable`,
        remedy: "Give it as NAME=VALUE, or as NAME to pass the host's value in",
      });
    }
    const value = rest.length > 0 ? rest.join("=") : env[name];
    if (value !== undefined) variables[name] = value;
  }
  return variables;
}

function readFolder(flags: FlagValues): string | undefined {
  const folder = flags.text("workdir");
  if (folder === undefined || folder.startsWith("/")) return folder;
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot start in "${printable(folder)}" (flag -w): it is no absolute path, and one is needed`,
    remedy: "Write the folder's whole path in the cell, like -w /sessions/NAME",
  });
}

/** The cell that is meant: the one of `--cell`, else the newest. Throws WC_SESSION where none runs. */
function chosenCell(session: KnownSession, flags: FlagValues, state: string): LiveCell {
  const { name } = session;
  const asked = flags.text("cell");
  const cells = liveCells(state, name);
  const found = asked === undefined ? cells[0] : cells.find(({ cell }) => cell === asked);
  if (found !== undefined) return found;
  const running = cells.map(({ cell }) => cell).join(", ");
  throw new WorkcellError("WC_SESSION", {
    message:
      cells.length > 0
        ? `Cannot run a further command in cell "${printable(asked ?? "")}" of session "${name}": it does not run; these do: ${running}`
        : `Cannot run a further command in session "${name}": no cell of it runs, and one must`,
    remedy:
      cells.length > 0
        ? `Name one that runs: workcell session exec --cell ${cells[0]?.cell} ${name} CMD`
        : session.open
          ? `Start a command in it: workcell run --session ${name} CMD`
          : "See which sessions run: workcell session list",
  });
}

/** What a person reads when the command never ran, or is lost. */
function explain(exitCode: number, complaint: string, command: string): string {
  if (exitCode === 127) return `"${command}" was not found in the cell`;
  if (exitCode === 126) return `"${command}" is not executable in the cell`;
  if (exitCode === 137) return "the cell has ended, and the command with it";
  return `the command could not be started in the cell: ${complaint.replace(/^cellhost: /, "")}`;
}

async function runFurther(
  cell: LiveCell & { readonly socket: string },
  { flags, command, context }: { flags: FlagValues; command: readonly string[]; context: CommandContext },
): Promise<number> {
  const given = readVariables(flags, context);
  const terminal = flags.has("terminal");
  const missing = cell.unknown.filter((name) => given[name] === undefined);
  if (missing.length > 0) {
    const names = missing.map((name) => `-e ${name}=VALUE`).join(" ");
    say(
      context,
      `The cell's first command has variables whose value is not recorded; to have them: ${names}`,
    );
  }
  const folder = readFolder(flags);
  let further: RunningFurther | undefined;
  // A command runs within milliseconds: from its first moment on a signal is its own.
  const stopForwarding = forwardToFurther({ kill: (signal) => further?.kill(signal) ?? false });
  try {
    further = execFurther({
      cell,
      installation: context.installation,
      command,
      stdio: ["inherit", "inherit", "inherit"],
      terminal,
      environment: { ...(terminal && context.env["TERM"] && { TERM: context.env["TERM"] }), ...given },
      ...(folder !== undefined && { folder }),
    });
    const { exitCode, complaint } = await further.ended;
    if (complaint !== undefined) say(context, explain(exitCode, complaint, command[0] ?? ""));
    return exitCode;
  } finally {
    stopForwarding();
  }
}

export const sessionExec: Command = {
  name: "session exec",
  summary: "run a further command in a cell of a session that runs",
  usage: "[FLAGS] NAME [--] CMD ARGS...",
  flags: [
    { name: "terminal", short: "t", help: "give the command a terminal of its own, joined to this one" },
    { name: "workdir", short: "w", value: "DIR", help: "start in this folder of the cell" },
    {
      name: "env",
      short: "e",
      value: "NAME[=V]",
      repeat: true,
      help: "set a variable beside those of the first command, or pass the host's value in",
    },
    {
      name: "cell",
      value: "ID",
      help: "the cell, where several of the session run; the newest when not said",
    },
  ],
  example: "workcell session exec brave-loving-maxwell ps ax",
  commandFollows: true,
  wordsBefore: 1,
  async run(flags, words, context) {
    const [name, ...command] = words;
    if (name === undefined || command.length === 0) {
      throw new WorkcellError("WC_USAGE", {
        message: "Cannot run a further command: a session and a command are needed",
        remedy: "Name both: workcell session exec NAME CMD; workcell session list shows the sessions",
      });
    }
    checkTerminal(flags);
    const state = stateOf(context);
    const cell = chosenCell(namedSession(state, name), flags, state);
    const { socket } = cell;
    if (socket !== undefined) return runFurther({ ...cell, socket }, { flags, command, context });
    return runFurtherCell({ session: name, cell, flags, command }, context);
  },
};
