import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import { startTime } from "../launch/index.ts";
import { removeFile } from "./remove-file.ts";

const STEP_MS = 5;
const PATIENCE_MS = 20_000;

/** One Workcell's place in the queue for a session: `NAME.NUMBER.PID.STARTED`. */
interface Ticket {
  readonly file: string;
  readonly number: number;
  readonly pid: number;
  readonly started: string;
}

const locksOf = (state: string) => path.join(state, "locks");

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_MS);
}

const isBefore = (one: Ticket, other: Ticket) =>
  one.number === other.number ? one.pid < other.pid : one.number < other.number;

function ticketOf(name: string, file: string): Ticket | undefined {
  const [owner, number, pid, started = ""] = file.split(".");
  return owner === name ? { file, number: Number(number), pid: Number(pid), started } : undefined;
}

/** Tickets for a session, but for those of Workcells that have ended: their names are nobody else's, so they go. */
function liveTickets(folder: string, name: string): readonly Ticket[] {
  return readdirSync(folder).flatMap((file) => {
    const ticket = ticketOf(name, file);
    if (ticket === undefined) return [];
    if (startTime(ticket.pid) === ticket.started) return [ticket];
    removeFile(path.join(folder, file));
    return [];
  });
}

/**
 * Draws the last ticket of the queue. One that turns out not to be the last is given back: its number was free by then
 * because its owner had gone, and whoever comes after that owner may have begun already.
 */
function drawTicket(folder: string, name: string): Ticket {
  const [pid, started = ""] = [process.pid, startTime(process.pid)];
  for (;;) {
    const number = Math.max(0, ...liveTickets(folder, name).map((ticket) => ticket.number)) + 1;
    const mine: Ticket = { file: `${name}.${number}.${pid}.${started}`, number, pid, started };
    writeFileSync(path.join(folder, mine.file), "", { flag: "wx", mode: 0o600 });
    if (!liveTickets(folder, name).some((other) => isBefore(mine, other))) return mine;
    removeFile(path.join(folder, mine.file));
  }
}

/** Waits until nobody is before a ticket; a queue that moves is waited for, however long it is. */
function waitForTurn(folder: string, name: string, mine: Ticket): void {
  let holder = "";
  for (let waitedMs = 0; ; waitedMs += STEP_MS) {
    const first = liveTickets(folder, name).reduce((a, b) => (isBefore(b, a) ? b : a), mine);
    if (first.file === mine.file) return;
    if (first.file !== holder) waitedMs = 0;
    holder = first.file;
    if (waitedMs >= PATIENCE_MS) {
      throw new WorkcellError("WC_SESSION", {
        message: `Cannot open or close session "${name}": process ${first.pid}, another Workcell, has held its lock for ${PATIENCE_MS / 1000} s`,
        remedy: "Wait for it to end, and run the command again",
      });
    }
    pause();
  }
}

/**
 * Waits for the lock of a session's name and takes it; returns how to give it back. The lock of a Workcell that ends goes
 * with it.
 */
export function holdSessionLock(state: string, name: string): () => void {
  const folder = locksOf(state);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mine = drawTicket(folder, name);
  const release = () => removeFile(path.join(folder, mine.file));
  try {
    waitForTurn(folder, name, mine);
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

/** Lets one Workcell at a time make, open, close or clear the session of a name: what it does must not outlast the call. */
export function withSessionLock<T>(state: string, name: string, use: () => T): T {
  const release = holdSessionLock(state, name);
  try {
    return use();
  } finally {
    release();
  }
}
