import { spawn } from "node:child_process";
import { codeOf } from "../../errors/index.ts";
import { type CredentialOf, cannotHave, checkedValue } from "./credential-error.ts";

const limitBytes = 64 * 1024;

export interface CredentialCommand {
  /** Absolute. */
  readonly program: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Ends the program, and with it the wait. */
  readonly signal: AbortSignal;
}

/**
 * Asks a program for a credential: no shell, `/` as its folder, the person's environment. Rejects with WC_CREDENTIAL,
 * which never holds a word of what it printed.
 */
export async function askCommand(command: CredentialCommand, of: CredentialOf): Promise<string> {
  const { program, words, env, timeoutMs } = command;
  const shown = JSON.stringify(program);
  const refuse = (problem: string) =>
    cannotHave(
      of,
      `${shown} ${problem}`,
      `Run it by yourself, and see that it prints the value: ${shown} ...`,
    );
  // A group of its own: what it starts may hold its output open when it has been ended.
  const child = spawn(program, words, { cwd: "/", env, detached: true, stdio: ["ignore", "pipe", "ignore"] });
  const pieces: Buffer[] = [];
  let [bytes, why] = [0, ""];
  const end = (reason: string) => {
    why ||= reason;
    child.stdout.destroy();
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nobody is left of it.
    }
  };
  const cancel = () => end("was ended with its cell");
  const timer = setTimeout(() => end(`has not answered within ${timeoutMs} ms`), timeoutMs);
  command.signal.addEventListener("abort", cancel, { once: true });
  child.stdout.on("data", (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > limitBytes) end("printed more than a credential");
    else pieces.push(piece);
  });
  try {
    if (command.signal.aborted) cancel();
    const ending = await new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(`could not be started (${codeOf(error) ?? "unknown"})`));
      child.once("close", (code, signal) => resolve(code === 0 ? "" : `ended with ${signal ?? code}`));
    });
    if (why !== "" || ending !== "") throw refuse(why || ending);
  } finally {
    clearTimeout(timer);
    command.signal.removeEventListener("abort", cancel);
  }
  return checkedValue(Buffer.concat(pieces).toString("utf8"), of, `what ${shown} prints`);
}
