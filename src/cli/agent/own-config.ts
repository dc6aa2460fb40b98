import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import type { AgentDriver } from "../../agent/index.ts";
import { codeOf } from "../../errors/index.ts";
import { readBoundedFile } from "../../lib/read-bounded-file.ts";
import type { Agreeable } from "../../settings/index.ts";

/** A file of an agent's own configuration in a folder. */
export interface ConfigFile {
  /** Path below the folder. */
  readonly name: string;
  readonly isProgram: boolean;
  readonly bytes: Buffer;
}

/** An agent's own configuration in one folder, read once: what is shown, agreed to and used are these files. */
export interface FolderConfig extends Agreeable {
  readonly agent: string;
  readonly files: readonly ConfigFile[];
}

export type ConfigFound =
  | { readonly status: "absent" }
  | { readonly status: "refused"; readonly problem: string }
  | ({ readonly status: "found" } & FolderConfig);

const LIMIT_BYTES = 4 * 1024 * 1024;
const LIMIT_FILES = 1000;

/** What agents install there by themselves: never shown to them, and no part of what is agreed to. */
const LEFT_OUT = "node_modules";

/** Why a configuration cannot be agreed to. */
class NotAgreeable extends Error {}

class Reader {
  readonly #folder: string;
  readonly files: ConfigFile[] = [];
  #left = LIMIT_BYTES;

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(name: string): void {
    const place = path.join(this.#folder, name);
    const stat = lstatSync(place, { throwIfNoEntry: false });
    if (stat === undefined || path.basename(name) === LEFT_OUT) return;
    if (stat.isDirectory()) {
      for (const inner of readdirSync(place).sort()) this.read(path.join(name, inner));
      return;
    }
    if (!stat.isFile())
      throw new NotAgreeable(`"${name}" is no plain file: what it leads to could change unseen`);
    const bytes = readBoundedFile(place, { limitBytes: this.#left, plainFile: true });
    if (bytes === undefined || this.files.length === LIMIT_FILES)
      throw new NotAgreeable(`it is more than a person can read: over 4 MiB, or over ${LIMIT_FILES} files`);
    this.#left -= bytes.length;
    this.files.push({ name, isProgram: (stat.mode & 0o100) !== 0, bytes });
  }
}

/** All of it in one: names, which are programs, contents. */
function bytesOf(files: readonly ConfigFile[]): Buffer {
  const sorted = [...files].sort((one, other) => (one.name < other.name ? -1 : 1));
  return Buffer.from(
    JSON.stringify(sorted.map(({ name, isProgram, bytes }) => [name, isProgram, bytes.toString("base64")])),
  );
}

/** Reads an agent's own configuration in a folder. */
export function findConfig({ name: agent, config }: AgentDriver, folder: string): ConfigFound {
  try {
    const reader = new Reader(folder);
    for (const name of config?.names ?? []) reader.read(name);
    const { files } = reader;
    if (files.length === 0) return { status: "absent" };
    return { status: "found", agent, folder: realpathSync(folder), files, bytes: bytesOf(files) };
  } catch (error) {
    if (error instanceof NotAgreeable) return { status: "refused", problem: error.message };
    const code = codeOf(error);
    if (code === undefined) throw error;
    return { status: "refused", problem: `it cannot be read: ${code}` };
  }
}

/** What is shown to the agent: what was agreed to, and what it would else write there by itself. */
function shownFiles({ config }: AgentDriver, files: readonly ConfigFile[]): readonly ConfigFile[] {
  const missing = Object.entries(config?.written ?? {})
    .filter(([name]) =>
      files.some((file) => path.dirname(file.name).split(path.sep)[0] === path.dirname(name)),
    )
    .filter(([name]) => !files.some((file) => file.name === name));
  return [...files, ...missing.map(([name, text]) => ({ name, isProgram: false, bytes: Buffer.from(text) }))];
}

/** Puts down what was agreed to, where no cell can write, and says where. */
export function keepConfig(driver: AgentDriver, { files, bytes }: FolderConfig, state: string): string {
  const agreed = path.join(state, "agreed");
  const kept = path.join(agreed, createHash("sha256").update(bytes).digest("hex"));
  const shown = shownFiles(driver, files);
  const before = findConfig(driver, kept);
  if (before.status === "found" && before.bytes.equals(bytesOf(shown))) return kept;
  mkdirSync(agreed, { recursive: true, mode: 0o700 });
  const made = mkdtempSync(path.join(agreed, "new-"));
  for (const file of shown) {
    const place = path.join(made, file.name);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, file.bytes);
    // Root's cells read them as another user, whatever root's umask is.
    chmodSync(place, file.isProgram ? 0o755 : 0o644);
    for (let at = path.dirname(place); at !== agreed; at = path.dirname(at)) chmodSync(at, 0o755);
  }
  rmSync(kept, { recursive: true, force: true });
  renameSync(made, kept);
  return kept;
}
