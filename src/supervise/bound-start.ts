import { WorkcellError } from "../errors/index.ts";
import type { Running, SupervisorRecord } from "../launch/index.ts";

/** Time in which a cell is to be ready, in ms: a busy machine takes a second. */
const START_MS = 60_000;
/** The same once it is cancelled: a cell that is nearly there ends like any other. */
const CANCELLED_MS = 2000;
/** Time in which everything of a cell is dead that was ended, in ms. */
const END_MS = 5000;

export interface StartBounds {
  readonly session: string;
  /** Absent: 60 s. */
  readonly limitMs?: number | undefined;
  /** Cancels the start. */
  readonly cancel?: AbortSignal | undefined;
  /** Folder of the cell's records, by which is found who is left when cellhost dies before its time. */
  readonly cellFolder: string;
}

type Why = "timed out" | "cancelled";

function lateError(why: Why, reached: string, { session, limitMs = START_MS }: StartBounds) {
  const said = {
    "timed out": `cell start timed out: it was to be ready within ${limitMs / 1000} s`,
    cancelled: "it was cancelled before it was ready",
  };
  return new WorkcellError("WC_LAUNCH", {
    message: `Cannot start the cell of session "${session}": ${said[why]}, and ${reached}`,
    remedy:
      "See that each folder of -m answers (ls DIR), and whether the machine is busy; then run workcell doctor",
  });
}

const nothingKnown: SupervisorRecord = { refused: [], shell: { complaints: [] } };

/** What came of the last thing that was heard of. */
function reachedOf(hasPorts: boolean, isGone: boolean, { shell, failed }: SupervisorRecord): string {
  const far = hasPorts ? "its ports were made, but it was not sealed" : "bubblewrap had not built it";
  const said = [...(failed === undefined ? [] : [failed.step]), ...shell.complaints].join("; ");
  const left = isGone ? "" : "; it could not be ended: something of it waits in the kernel";
  return `${far}${said === "" ? "" : ` (${said})`}${left}`;
}

/** cellhost says the end once the cell is empty; who ended without it was killed. */
async function emptyCell(record: SupervisorRecord, cellFolder: string): Promise<SupervisorRecord> {
  if (record.used !== undefined) return record;
  const { endStragglers } = await import("./end-stragglers.ts");
  await endStragglers(cellFolder);
  return record;
}

/**
 * A cell that is not ready in time, or soon after its start was cancelled, is ended: `ready` then rejects with WC_LAUNCH,
 * which says how far it had come, once nothing of it is left. `ended` waits for what a killed cellhost left, too.
 */
export function boundStart(running: Running, bounds: StartBounds): Running {
  let [why, hasPorts] = [undefined as Why | undefined, false];
  let [limit, last]: (NodeJS.Timeout | undefined)[] = [];
  void running.listeners.then(() => {
    hasPorts = true;
  });
  let giveUp = () => {};
  const givenUp = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined);
  });
  const emptied = running.ended.then((record) => emptyCell(record, bounds.cellFolder));
  const ended = Promise.race([emptied, givenUp]);
  const ready = new Promise<void>((resolve, reject) => {
    const end = (reason: Why) => {
      if (why !== undefined) return;
      why = reason;
      running.kill();
      last = setTimeout(giveUp, END_MS);
      void ended.then((record) => {
        const reached = reachedOf(hasPorts, record !== undefined, record ?? nothingKnown);
        reject(lateError(reason, reached, bounds));
      });
    };
    const onCancel = () => {
      clearTimeout(limit);
      limit = setTimeout(() => end("cancelled"), CANCELLED_MS);
    };
    limit = setTimeout(() => end("timed out"), bounds.limitMs ?? START_MS);
    bounds.cancel?.addEventListener("abort", onCancel, { once: true });
    const settle = (outcome: () => void) => () => {
      clearTimeout(limit);
      bounds.cancel?.removeEventListener("abort", onCancel);
      if (why === undefined) outcome();
    };
    running.ready.then(settle(resolve), (error) => settle(() => reject(error))());
    void ended.then(() => clearTimeout(last));
  });
  // The cell may end while nobody waits for it.
  ready.catch(() => {});
  return { ...running, ready, ended: ended.then((record) => record ?? nothingKnown) };
}
