import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { codeOf } from "../../errors/index.ts";
import type { Shell } from "./shells.ts";
import { type CallContext, defineTool, type ToolAnswer, ToolFault } from "./tool.ts";
import { ANSWER_LIMIT } from "./workplace.ts";

const DEFAULT_TIMEOUT_MS = 120_000;
const MAX_TIMEOUT_MS = 600_000;

/** One stream for both; the folder in which the command ends is where the next one starts. */
const script = 'exec 2>&1; _cwd_file=$2; trap \'pwd -P 2>/dev/null >"$_cwd_file"\' EXIT; eval "$1"';

/** Bash: runs a command, or starts one that goes on. */
export const bash = defineTool({
  name: "Bash",
  description: `Runs a command in bash, without a terminal and without input. The folder that \`cd\` leads to stays for the next command; variables do not. After \`timeout\` the command is ended with all that it started. Of an output over ${ANSWER_LIMIT} characters the beginning and the end are shown, and the file is named that holds all of it. With run_in_background the command goes on: the answer names its process group (end it with kill -- -ID) and the file in which its output grows (Read it). For files, prefer Read, Grep, Glob, Edit and Write.`,
  fields: {
    command: { type: "string", description: "The command" },
    timeout: {
      type: "integer",
      description: `In ms (${DEFAULT_TIMEOUT_MS}, at most ${MAX_TIMEOUT_MS})`,
      minimum: 1,
      maximum: MAX_TIMEOUT_MS,
      optional: true,
    },
    description: { type: "string", description: "What it does, in 5 to 10 words", optional: true },
    run_in_background: { type: "boolean", description: "Do not wait for its end", optional: true },
  },
  run: async ({ command, timeout = DEFAULT_TIMEOUT_MS, run_in_background }, context) => {
    const { place } = context;
    if (!existsSync(place.cwd)) {
      const gone = place.cwd;
      place.cwd = place.root;
      throw new ToolFault(`The folder "${gone}" is gone. The next command starts in "${place.root}".`);
    }
    if (command.includes("\0")) throw new ToolFault("The command holds a NUL character.");
    const outputFile = place.spoolFile("bash");
    const cwdFile = `${outputFile}.cwd`;
    const words = ["-c", script, "bash", command, cwdFile];
    const shell = place.shells.start({ words, cwd: place.cwd, env: place.env, outputFile });
    if (run_in_background) return leave(shell, { command, context });
    const ending = await waitFor(shell, timeout, context.signal);
    await shell.drain();
    const moved = await moveTo(cwdFile, context);
    return answerOf(shell, { ending, timeout, moved });
  },
});

async function leave(
  shell: Shell,
  { command, context }: { readonly command: string; readonly context: CallContext },
): Promise<ToolAnswer> {
  await started(shell);
  context.place.shells.leave(shell, command);
  return {
    text: `Started in the background as process group ${shell.child.pid}. Its output grows in ${shell.outputFile}. End it with: kill -- -${shell.child.pid}`,
  };
}

/** Node reports a bash that cannot be started on the next turn of its loop. */
async function started(shell: Shell): Promise<void> {
  if (shell.child.pid === undefined) await shell.ended.catch(notStarted);
}

type Ending =
  | { readonly how: "ended"; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly how: "timed out" | "interrupted" };

async function waitFor(shell: Shell, timeoutMs: number, signal: AbortSignal): Promise<Ending> {
  const stop = deferred<Ending>();
  const timer = setTimeout(() => stop.resolve({ how: "timed out" }), timeoutMs);
  const interrupt = () => stop.resolve({ how: "interrupted" });
  signal.addEventListener("abort", interrupt, { once: true });
  if (signal.aborted) interrupt();
  try {
    const ended = shell.ended.then((end): Ending => ({ how: "ended", ...end }), notStarted);
    const ending = await Promise.race([ended, stop.promise]);
    if (ending.how !== "ended") await shell.end(ending.how === "interrupted" ? 200 : 2000);
    return ending;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", interrupt);
  }
}

function notStarted(error: unknown): never {
  const why = codeOf(error) === "ENOENT" ? "bash is not in PATH" : `${error}`;
  throw new ToolFault(`The command was not started: ${why}.`);
}

/** The next command starts where this one ended. */
async function moveTo(cwdFile: string, { place }: CallContext): Promise<string | undefined> {
  try {
    const cwd = (await readFile(cwdFile, "utf8")).replace(/\n$/, "");
    await rm(cwdFile);
    if (cwd === "" || cwd === place.cwd || !existsSync(cwd)) return undefined;
    place.cwd = cwd;
    return cwd;
  } catch {
    // Killed, or it replaced itself or its EXIT trap: then the folder stays.
    return undefined;
  }
}

function answerOf(
  shell: Shell,
  how: { readonly ending: Ending; readonly timeout: number; readonly moved: string | undefined },
): ToolAnswer {
  const { ending } = how;
  const output = shell.text(ANSWER_LIMIT).replace(/\n$/, "");
  const notes = [
    ...(how.moved === undefined ? [] : [`[The folder is now ${how.moved}]`]),
    ...(ending.how === "timed out"
      ? [`[Timed out after ${how.timeout} ms, and was ended with all that it started]`]
      : []),
    ...(ending.how === "interrupted" ? ["[Interrupted by the person]"] : []),
    ...(ending.how === "ended" && ending.signal !== null ? [`[Ended by ${ending.signal}]`] : []),
    ...(ending.how === "ended" && ending.code !== null && ending.code !== 0
      ? [`[Exit code ${ending.code}]`]
      : []),
  ];
  const isError = ending.how !== "ended" || ending.code !== 0;
  const text = [...(output === "" ? [] : [output]), ...notes].join("\n");
  return { text: text === "" ? "[No output]" : text, isError };
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
