import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
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

/** Opens a conversation, an earlier one where there is one. A folder that cannot be written to is told once. */
export function openTranscript(how: {
  readonly folder: string;
  readonly session: string;
  readonly from?: string;
  readonly onTrouble: (text: string) => void;
}): Transcript {
  const file = path.join(how.folder, `${how.session}.jsonl`);
  let isTold = false;
  const write = (line: object) => {
    try {
      mkdirSync(how.folder, { recursive: true, mode: 0o700 });
      appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    } catch (error) {
      if (!isTold)
        how.onTrouble(`The conversation cannot be kept in ${file}, and so not be resumed: ${error}`);
      isTold = true;
    }
  };
  const messages = how.from === undefined ? [] : readMessages(path.join(how.folder, `${how.from}.jsonl`));
  if (how.from !== undefined && how.from !== how.session) write({ restart: messages });
  return {
    session: how.session,
    messages,
    add: (message) => write({ message }),
    restart: (begin) => write({ restart: begin }),
  };
}

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
