import { nothingSaid, readShellLine, type ShellRecord } from "./shell-lines.ts";

/** A system call that the filter refused. */
export interface RefusedCall {
  readonly nr: number;
  /** Name of the program that made it. */
  readonly program: string;
}

/** What cellhost has told of a cell so far. The messages are the host's; names and texts in them may be the cell's. */
export interface SupervisorRecord {
  /** Set when everything is sealed and the command waits for the go-byte. Pids as the host numbers them. */
  readonly ready?: { readonly hostPid: number; readonly commandPid: number; readonly landlockAbi: number };
  /** What the inside could not do: 125 it is not sealed, 126 and 127 the command cannot be executed. */
  readonly failed?: { readonly step: string; readonly code: 125 | 126 | 127 };
  /** Raw wait status of the command, where cellinit waits for it. */
  readonly status?: number;
  /** What the whole cell used; known at its end. */
  readonly used?: { readonly cpuMs: number; readonly maxRssBytes: number };
  /** Exit code of the cell's first process: cellhost's own codes where it became no bwrap. */
  readonly endCode?: number;
  readonly refused: readonly RefusedCall[];
  /** What the shell of the reference tunnel said, and what bwrap complained of. */
  readonly shell: ShellRecord;
}

/** One message of cellhost, read but not believed yet. */
type Message = Readonly<Record<string, unknown>>;

const number = (value: unknown) => (typeof value === "number" ? value : 0);
/** cellhost writes a byte as the character of its number, since what it hands on may be no UTF-8. */
const text = (value: unknown) => (typeof value === "string" ? Buffer.from(value, "latin1").toString() : "");

function failureOf(message: Message): NonNullable<SupervisorRecord["failed"]> {
  const code = number(message["code"]);
  const step = `${text(message["step"])} (${text(message["errno"])})`;
  return { step, code: code === 126 ? 126 : code === 127 ? 127 : 125 };
}

/** Gathers cellhost's messages (native/cellhost) into what is known of the cell. */
export class SupervisorReader {
  #record: SupervisorRecord = { refused: [], shell: nothingSaid };

  get record(): SupervisorRecord {
    return this.#record;
  }

  /** Takes one message; those that are not known are passed over. */
  push(message: Message): void {
    switch (message["t"]) {
      case "line":
        this.#add({ shell: readShellLine(this.#record.shell, text(message["text"])) });
        break;
      case "ready":
        this.#add({
          ready: {
            hostPid: number(message["pid"]),
            commandPid: number(message["command"]),
            landlockAbi: number(message["landlock"]),
          },
        });
        break;
      case "failed":
        this.#add({ failed: failureOf(message) });
        break;
      case "exit":
        this.#add({ status: number(message["status"]) });
        break;
      case "deny": {
        const call = { nr: number(message["nr"]), program: text(message["comm"]) };
        this.#add({ refused: [...this.#record.refused, call] });
        break;
      }
      case "end":
        this.#add({
          endCode: (number(message["status"]) >> 8) & 0xff,
          used: {
            cpuMs: Math.round(number(message["cpuUs"]) / 1000),
            maxRssBytes: number(message["maxRssKb"]) * 1024,
          },
        });
        break;
      default:
    }
  }

  #add(more: Partial<SupervisorRecord>): void {
    this.#record = { ...this.#record, ...more };
  }
}
