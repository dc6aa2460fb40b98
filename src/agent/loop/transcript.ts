import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { codeOf } from "../../errors/index.ts";
import type { MessageParam } from "../model/messages.ts";

const idForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** One conversation on disk, a line for each message, so that it can be gone on with. */
export interface Transcript {
  readonly session: string;
  /** The conversation as the model is to see it: what a summary has replaced is left out. */
  readonly messages: readonly MessageParam[];
  add(message: MessageParam): void;
  /** From here on the conversation begins with these messages. */
  restart(messages: readonly MessageParam[]): void;
}

/** Where an agent's conversations lie. */
export function transcriptFolder(env: NodeJS.ProcessEnv): string {
  return path.join(
    env["WORKCELL_AGENT_HOME"] ?? path.join(env["HOME"] ?? os.homedir(), ".workcell-agent"),
    "sessions",
  );
}

interface Opening {
  readonly folder: string;
  readonly session: string;
  readonly from?: string;
  readonly onTrouble: (text: string) => void;
}

/**
 * Opens a conversation, an earlier one where there is one. A folder that cannot be written to is told once. Where somebody
 * else writes to the same conversation, this one goes on in a file of its own.
 */
export function openTranscript(how: Opening): Transcript {
  const place = new Place(how);
  const fromFile = how.from === undefined ? undefined : path.join(how.folder, `${how.from}.jsonl`);
  let messages = fromFile === undefined ? [] : readMessages(fromFile);
  if (how.from !== undefined && how.from !== how.session) place.write({ restart: messages }, messages);
  return {
    session: how.session,
    messages,
    add: (message) => {
      messages = [...messages, message];
      place.write({ message }, messages);
    },
    restart: (begin) => {
      messages = [...begin];
      place.write({ restart: begin }, messages);
    },
  };
}

/** Where a conversation is kept. */
class Place {
  readonly #how: Opening;
  #file: string;
  /** How long the file is when nobody else writes to it. */
  #bytes: number;
  #isTold = false;

  constructor(how: Opening) {
    this.#how = how;
    this.#file = path.join(how.folder, `${how.session}.jsonl`);
    // Before the file is read: what is added meanwhile is then seen as somebody else's.
    this.#bytes = sizeOf(this.#file);
  }

  /** Adds a line; `whole` is the conversation with it. */
  write(line: object, whole: readonly MessageParam[]): void {
    try {
      if (sizeOf(this.#file) === this.#bytes) this.#append(line);
      else this.#part(whole);
    } catch (error) {
      if (!this.#isTold)
        this.#how.onTrouble(
          `The conversation cannot be kept in ${this.#file}, and so not be resumed: ${error}`,
        );
      this.#isTold = true;
    }
  }

  /** Two conversations in one file would hold calls beside answers to the other's, which no model takes. */
  #part(whole: readonly MessageParam[]): void {
    const session = randomUUID();
    this.#file = path.join(this.#how.folder, `${session}.jsonl`);
    this.#bytes = 0;
    this.#append({ restart: whole });
    this.#how.onTrouble(
      `This conversation is gone on with elsewhere too; from here it is kept as ${session}`,
    );
  }

  #append(line: object): void {
    // A line that a crash has cut must not take this one with it.
    const text = `${this.#bytes === 0 || endsLine(this.#file) ? "" : "\n"}${JSON.stringify(line)}\n`;
    mkdirSync(this.#how.folder, { recursive: true, mode: 0o700 });
    appendFileSync(this.#file, text, { mode: 0o600 });
    this.#bytes += Buffer.byteLength(text);
  }
}

function endsLine(file: string): boolean {
  const open = openSync(file, "r");
  try {
    const last = Buffer.alloc(1);
    readSync(open, last, 0, 1, fstatSync(open).size - 1);
    return last.toString() === "\n";
  } finally {
    closeSync(open);
  }
}

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** A session that can be resumed by this id, or the newest when none is named; `undefined`: there is none. */
export function findSession(folder: string, id?: string): string | undefined {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
    if (id !== undefined) return idForm.test(id) && names.includes(`${id}.jsonl`) ? id : undefined;
    const time = (name: string) => statSync(path.join(folder, name)).mtimeMs;
    return names.sort((a, b) => time(b) - time(a))[0]?.replace(/\.jsonl$/, "");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

export const isSessionId = (id: string) => idForm.test(id);

function readMessages(file: string): MessageParam[] {
  let messages: MessageParam[] = [];
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const entry = parsed(line);
    if (entry?.restart !== undefined) messages = [...entry.restart];
    else if (entry?.message !== undefined) messages.push(entry.message);
  }
  return messages;
}

/** A line that was cut by a crash is the last one, and counts as not written. */
function parsed(line: string): { message?: MessageParam; restart?: MessageParam[] } | undefined {
  try {
    return line === "" ? undefined : JSON.parse(line);
  } catch {
    return undefined;
  }
}
