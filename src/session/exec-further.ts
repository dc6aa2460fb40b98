import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { LiveCell } from "./exec-live.ts";

/** What is to run in a cell beside its first command. */
export interface FurtherCommand {
  readonly cell: Pick<LiveCell, "acting"> & { readonly socket: string };
  /** Where Workcell is installed: the folder with `native/cellhost`. */
  readonly installation: string;
  readonly command: readonly string[];
  /** The command's stdin, stdout and stderr: descriptors of ours, or new pipes. */
  readonly stdio: readonly [FurtherStdio, FurtherStdio, FurtherStdio];
  /** Give it a terminal of its own, joined to ours; needs stdin and stdout to be one. */
  readonly terminal?: boolean;
  /** Added to the variables of the cell's first command. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Absolute, in the cell; absent: where the first command started. */
  readonly folder?: string;
}

type FurtherStdio = "inherit" | "ignore" | "pipe" | number;

/** How a further command ended. */
export interface FurtherEnd {
  /** Its own; 128+n by signal; 125, 126, 127 as for a cell's first command. */
  readonly exitCode: number;
  /** Why it never ran, or is lost with its cell. */
  readonly complaint?: string;
}

/** A further command that was asked for. */
export interface RunningFurther {
  readonly stdin: ChildProcess["stdin"];
  readonly stdout: ChildProcess["stdout"];
  readonly stderr: ChildProcess["stdout"];
  kill(signal: NodeJS.Signals): boolean;
  readonly ended: Promise<FurtherEnd>;
}

/** Descriptor of the child that is the command's stderr: its own 2 is for complaints of cellhost's. */
const COMMAND_STDERR = 3;

function words({ cell, command, folder, terminal }: FurtherCommand): string[] {
  return [
    ...["exec", cell.socket, "--add-environment", "--of-parent", "--stderr-fd", `${COMMAND_STDERR}`],
    ...(folder === undefined ? [] : ["--folder", folder]),
    ...(terminal ? ["--terminal"] : []),
    ...["--", ...command],
  ];
}

function spawnClient(further: FurtherCommand): ChildProcess {
  const { environment, cell, installation } = further;
  const [stdin, stdout, stderr] = further.stdio;
  // Node opens nothing for what is ignored above 2.
  const nothing = stderr === "ignore" ? openSync("/dev/null", "w") : undefined;
  const stdio: StdioOptions = [stdin, stdout, "pipe", nothing ?? (stderr === "inherit" ? 2 : stderr)];
  try {
    return spawn(path.join(installation, "native", "cellhost"), words(further), {
      cwd: "/",
      env: { ...cell.acting, ...environment },
      stdio,
    });
  } finally {
    if (nothing !== undefined) closeSync(nothing);
  }
}

/**
 * Runs a further command in a live cell: a fork inside it, sealed as its first command is. It counts for the cell's
 * limits and ends with the cell; its refused calls stand in the outcome of the cell's first command.
 */
export function execFurther(further: FurtherCommand): RunningFurther {
  const child = spawnClient(further);
  const complaints = text(child.stderr as NodeJS.ReadableStream).catch(() => "");
  const ended = new Promise<FurtherEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      void complaints.then((said) => {
        const complaint = said.trim();
        const exitCode = code ?? (signal === null ? 125 : 137);
        resolve({ exitCode, ...(complaint !== "" && { complaint }) });
      });
    });
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: (child.stdio as readonly unknown[])[COMMAND_STDERR] as ChildProcess["stdout"],
    kill: (signal) => child.kill(signal),
    ended,
  };
}
