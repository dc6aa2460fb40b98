import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../errors/index.ts";
import { startTime } from "../launch/index.ts";
import { forgetSession } from "./store.ts";

/** Records of ended sessions that are kept. */
const KEPT_RECORDS = 200;

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Cells whose Workcell was killed: what they left goes, as it would have gone at their end. */
function sweepAbandoned(state: string, say: (notice: string) => void): void {
  const running = path.join(state, "running");
  for (const marker of list(running)) {
    const [pid, started, kind = ""] = readMarker(path.join(running, marker));
    // An empty marker is being written this very moment.
    if (pid === undefined || started === undefined || startTime(Number(pid)) === started) continue;
    const name = marker.slice(0, marker.lastIndexOf("."));
    // Its marker stays when this fails, so that the next run tries again.
    attempt(say, () => {
      if (kind !== "durable") forgetSession(state, name, kind === "once" ? undefined : Number(kind));
      rmSync(path.join(running, marker), { force: true });
    });
  }
}

/** What other runs left must not stop this one: that it cannot be cleared is said, and no more. */
function attempt(say: (notice: string) => void, clear: () => void): void {
  try {
    clear();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

function readMarker(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trim().split(" ").filter(Boolean);
  } catch (error) {
    // Its run has just ended.
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Ended sessions keep their records for a while; the oldest go when there are many. */
function pruneRecords(state: string): void {
  const sessions = path.join(state, "sessions");
  const names = list(sessions);
  if (names.length < KEPT_RECORDS + 50) return;
  const ended = names.filter(
    (name) => statSync(path.join(sessions, name, "home"), { throwIfNoEntry: false }) === undefined,
  );
  const byAge = ended
    .map((name) => ({
      name,
      time: statSync(path.join(sessions, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .sort((a, b) => b.time - a.time);
  for (const { name } of byAge.slice(KEPT_RECORDS))
    rmSync(path.join(sessions, name), { recursive: true, force: true });
}

/** Clears what killed runs left behind, and old records. Done while a new cell starts, so that nobody waits for it. */
export function sweepSessions(state: string, say: (notice: string) => void): void {
  sweepAbandoned(state, say);
  attempt(say, () => pruneRecords(state));
}
