import path from "node:path";
import type { CredentialReader, CredentialSource } from "../../model/index.ts";
import { findTool, pathFolders } from "../../probe/index.ts";
import { askCommand } from "./ask-command.ts";
import { type CredentialOf, cannotHave, checkedValue } from "./credential-error.ts";
import { readKeyFile } from "./read-key-file.ts";

/** How long the answer of a command is used, in `ms`. */
const KEPT_MS = 5 * 60_000;

/** Where credentials are looked for. */
export interface ReaderPlace {
  readonly env: Readonly<Record<string, string>>;
  /** Folders that a cell may write to: no program of theirs is run. */
  readonly writable: readonly string[];
  /** Ends what is still being asked. */
  readonly signal: AbortSignal;
  /** Milliseconds that only grow. */
  now(): number;
}

/** Whoever gives the credential of a source. */
export function makeReader(source: CredentialSource, of: CredentialOf, place: ReaderPlace): CredentialReader {
  if ("environment" in source) {
    const { environment } = source;
    return plainReader(() => readVariable(environment, of, place));
  }
  if ("file" in source) {
    const { file } = source;
    // Read for each request: keys are changed while a session goes on.
    return plainReader(() => readKeyFile(file, of));
  }
  return commandReader(source, of, place);
}

function plainReader(read: () => string): CredentialReader {
  return { check: () => [read()], read: async () => read() };
}

function readVariable(name: string, of: CredentialOf, { env }: ReaderPlace): string {
  const value = env[name];
  if (value !== undefined && value !== "") return checkedValue(value, of, `the variable ${name}`);
  throw cannotHave(
    of,
    `the variable ${name} is not set, and its value is needed`,
    `Set it: export ${name}=...`,
  );
}

function commandReader(
  source: Extract<CredentialSource, { readonly command: readonly string[] }>,
  of: CredentialOf,
  place: ReaderPlace,
): CredentialReader {
  const [name = "", ...words] = source.command;
  const { env, signal, now } = place;
  let kept: { readonly value: Promise<string>; readonly until: number } | undefined;
  let program: string | undefined;
  const find = () => {
    program ??= findProgram(name, of, place);
    return program;
  };
  const ask = async () =>
    askCommand({ program: find(), words, env, timeoutMs: source.timeoutMs, signal }, of);
  return {
    check: () => {
      find();
      return [];
    },
    read: () => {
      if (kept !== undefined && now() < kept.until) return kept.value;
      const value = ask();
      const mine = { value, until: now() + KEPT_MS };
      kept = mine;
      value.catch(() => {
        if (kept === mine) kept = undefined;
      });
      return value;
    },
    refused: () => {
      kept = undefined;
    },
  };
}

/** SECURITY(P15): a program that a cell could have put there would run on the host. */
function findProgram(name: string, of: CredentialOf, { env, writable }: ReaderPlace): string {
  const isPath = name.includes("/");
  const folders = isPath ? [path.dirname(name)] : pathFolders(env["PATH"]);
  const found =
    isPath && !path.isAbsolute(name) ? undefined : findTool(path.basename(name), folders, writable);
  if (found !== undefined) return found.path;
  const problem = `the program ${JSON.stringify(name)} was not found outside of what a cell may write to`;
  throw cannotHave(of, problem, "Name it by its absolute path, or install it on PATH");
}
