import os from "node:os";
import path from "node:path";
import type { Writable } from "node:stream";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { nearest } from "../lib/nearest.ts";
import type { Command, CommandContext } from "./command.ts";
import { commands, subcommands } from "./commands/index.ts";
import { parseFlags } from "./parse-flags.ts";
import { jsonError, renderError } from "./render/error.ts";
import { helpWidth, renderHelp, renderOverview } from "./render/help.ts";

/** Workcell's version: the package's, put in by the build. */
declare const WORKCELL_VERSION: string;

/** The environment as the person had it, before the launcher moved a variable out of Node's way. */
function readEnvironment(): Record<string, string> {
  const { WORKCELL_NODE_EXTRA_CA_CERTS: moved, ...rest } = process.env;
  const all = moved === undefined ? rest : { ...rest, NODE_EXTRA_CA_CERTS: moved };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** The person's home: what HOME says when that is a place, else what the machine knows of the user. */
function homeOf(env: Readonly<Record<string, string>>): string {
  const named = env["HOME"] ?? "";
  if (path.isAbsolute(named)) return named;
  try {
    return os.userInfo().homedir;
  } catch (cause) {
    throw new WorkcellError("WC_SETTINGS", {
      message: `Cannot start: your home is "${named}" (environment HOME), and the machine knows none of this user; an absolute path is needed`,
      remedy: "Name a folder of your own: export HOME=/path/to/it",
      cause,
    });
  }
}

interface OwnContext extends CommandContext {
  /** Resolves when everything that was said has left this process, or nobody takes it. */
  written(): Promise<void>;
}

function makeContext(installation: string): OwnContext {
  const env = readEnvironment();
  const opened = new Set<Writable>();
  const open = (stream: Writable) => {
    opened.add(stream);
    return stream;
  };
  return {
    // Streams are opened when they are written to: a run that says nothing never pays for them.
    get stdout() {
      return open(process.stdout);
    },
    get stderr() {
      return open(process.stderr);
    },
    written: async () => {
      const unwritten = [...opened].filter((stream) => stream.writableLength > 0 && !stream.destroyed);
      await Promise.all(unwritten.map((stream) => new Promise((resolve) => stream.write("", resolve))));
    },
    env,
    cwd: process.cwd(),
    // Asked for by whoever needs it: help is given to somebody without a home, too.
    get home() {
      return homeOf(env);
    },
    installation,
  };
}

async function overview(context: CommandContext): Promise<number> {
  const all = await Promise.all(Object.values(commands).map((load) => load()));
  context.stdout.write(renderOverview(all, helpWidth(context.stdout)));
  return 0;
}

function version(context: CommandContext): number {
  context.stdout.write(`workcell ${WORKCELL_VERSION}\n`);
  return 0;
}

async function dispatch(argv: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "help" && rest[0] !== undefined) return dispatch(asFlag(rest), context);
  if (name === "--help" || name === "-h" || name === "help") return overview(context);
  if (name === "--version") return version(context);
  const subcommand = await loadSubcommand(name, rest[0]);
  if (subcommand !== undefined) return runCommand(subcommand, rest.slice(1), context);
  const load = Object.hasOwn(commands, name ?? "") ? commands[name ?? ""] : undefined;
  if (load === undefined) {
    throw new WorkcellError("WC_USAGE", {
      message:
        name === undefined
          ? "No command is given, and one is needed"
          : `"${name}" is not a command of workcell`,
      remedy: await helpFor(name),
    });
  }
  return runCommand(await load(), rest, context);
}

/** Where to read on about a word that is no command: a part of one, as of `session`, or a mistyped one. */
async function helpFor(name: string | undefined): Promise<string> {
  for (const [command, load] of name === undefined ? [] : Object.entries(commands)) {
    const { parts = [] } = await load();
    if (parts.some((part) => part.name.split(" ", 1)[0] === name)) return `See: workcell ${command} --help`;
  }
  const meant = nearest(name ?? "", Object.keys(commands));
  return meant === undefined ? "See: workcell --help" : `See: workcell ${meant} --help`;
}

/** `help NAME` as `NAME --help`, never as a command with further words. */
function asFlag([name = "", next = ""]: readonly string[]): readonly string[] {
  return Object.hasOwn(subcommands, `${name} ${next}`) ? [name, next, "--help"] : [name, "--help"];
}

async function loadSubcommand(name = "", next = ""): Promise<Command | undefined> {
  const both = `${name} ${next}`;
  return Object.hasOwn(subcommands, both) ? subcommands[both]?.() : undefined;
}

async function runCommand(
  command: Command,
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { flags, words } = parseFlags(command, argv);
  if (flags.has("version")) return version(context);
  if (flags.has("help")) {
    context.stdout.write(renderHelp(command, helpWidth(context.stdout)));
    return 0;
  }
  try {
    return await command.run(flags, words, context);
  } catch (error) {
    // Whoever asked for JSON reads stdout; what a person reads is said all the same. An agent's lines are of another kind.
    if (error instanceof WorkcellError && flags.has("json") && command.name !== "agent")
      context.stdout.write(`${JSON.stringify(jsonError(error))}\n`);
    throw error;
  }
}

/** The command line: resolves to the exit code. `installation` is the folder with `native/`. */
export async function main(argv: readonly string[], installation: string): Promise<number> {
  const context = makeContext(installation);
  try {
    return await dispatch(argv, context);
  } catch (error) {
    // Whoever reads our output may close it early.
    if (codeOf(error) === "EPIPE") return 0;
    context.stderr.write(renderError(error));
    return error instanceof WorkcellError ? error.exitCode : 125;
  } finally {
    await context.written();
  }
}
