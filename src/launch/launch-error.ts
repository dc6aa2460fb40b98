import { WorkcellError } from "../errors/index.ts";
import type { Plan } from "../model/index.ts";
import type { SupervisorRecord } from "./supervisor-record.ts";

/** What is known of a cell that ended before its command could run. */
export interface FailedLaunch {
  readonly record: SupervisorRecord;
  /** cellhost's exit code; null when it could not be started at all. */
  readonly code: number | null;
  readonly said: string;
}

/** cellhost's own exit codes (native/cellhost). */
const NOT_IN_TIME = 75;
const CANNOT_MERGE = 121;
const CANNOT_IDMAP = 122;
const SOURCE_GONE = 123;

/** Says why a cell could not be started, with the remedy for what is known. */
export function launchError(plan: Plan, { record, code: ownCode, said }: FailedLaunch): WorkcellError {
  // What fails before there is a process to supervise is cellhost's own exit, what fails after it that process's.
  const code = record.endCode ?? ownCode;
  const failed = record.failed === undefined ? [] : [record.failed.step];
  const why = [said, ...failed, ...record.shell.complaints].filter(Boolean).join("; ");
  // What is merged with a layer can be copied instead.
  const unmerged = (plan.layers?.merged ?? []).length > 0 ? { unmerged: why } : {};
  if (code === CANNOT_IDMAP) {
    return new WorkcellError("WC_MOUNT", {
      message: `Cannot connect a folder as another user's: its file system has no idmapped mounts (${why})`,
      remedy: "Start Workcell as the folder's owner, or copy the folder to a disk that has them",
      details: unmerged,
    });
  }
  if (code === SOURCE_GONE) {
    return new WorkcellError("WC_MOUNT", {
      message: `Cannot connect a folder: it was there a moment ago and is gone, or a link took its place (${why})`,
      remedy: "Start again when nothing moves it",
    });
  }
  if (code === CANNOT_MERGE) {
    return new WorkcellError("WC_MOUNT", {
      message: `Cannot keep the changes of a folder apart: it cannot be merged with a layer of the session here (${why})`,
      remedy:
        "Connect it live or read-only (-m DIR:rw, -m DIR:ro), or let Workcell's state folder (XDG_STATE_HOME) lie on a disk with ext4, xfs or btrfs",
      details: unmerged,
    });
  }
  if (code === NOT_IN_TIME && plan.layers !== undefined) {
    return new WorkcellError("WC_SESSION", {
      message: `Cannot use the layers of session "${plan.session}": another Workcell is applying or discarding its changes, or starting a cell (${why})`,
      remedy: "Run it again when that has ended, or name another session: --session NAME",
    });
  }
  return new WorkcellError("WC_LAUNCH", {
    message: `Cannot start the cell of session "${plan.session}": ${why || "the sandbox ended before it was sealed"}`,
    remedy:
      "Mend what it names, such as a folder of -w or -m; else run workcell doctor to see what this machine lacks",
    details: { complaints: record.shell.complaints },
  });
}
