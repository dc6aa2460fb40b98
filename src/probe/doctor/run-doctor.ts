import type { DoctorCheck } from "../../model/index.ts";
import { checkBash } from "./check-bash.ts";
import { checkBubblewrap } from "./check-bubblewrap.ts";
import { checkCgroup } from "./check-cgroup.ts";
import { checkCompiler } from "./check-compiler.ts";
import { checkDisk } from "./check-disk.ts";
import { checkIdmap } from "./check-idmap.ts";
import { checkLandlock } from "./check-landlock.ts";
import { checkMachine } from "./check-machine.ts";
import { checkOverlay } from "./check-overlay.ts";
import { checkSeccomp } from "./check-seccomp.ts";
import { checkSocat } from "./check-socat.ts";
import { checkUidRange } from "./check-uid-range.ts";
import { checkUserNamespaces } from "./check-user-namespaces.ts";
import { type Check, type DoctorContext, type Examination, examinationOf } from "./examination.ts";

const checks: readonly Check[] = [
  checkMachine,
  checkBubblewrap,
  checkSocat,
  checkBash,
  checkUserNamespaces,
  checkSeccomp,
  checkLandlock,
  checkCgroup,
  checkOverlay,
  checkIdmap,
  checkUidRange,
  checkCompiler,
  checkDisk,
];

async function conclude(check: Check, examination: Examination): Promise<DoctorCheck> {
  const { id, title, needed, without } = check;
  try {
    const { status, found, remedy = "" } = await check.examine(examination);
    return { id, title, status, found, needed, remedy, without };
  } catch (error) {
    // An attempt that breaks is a finding too, and the other checks still tell theirs.
    const found = `${title}: the attempt itself failed: ${error instanceof Error ? error.message : String(error)}`;
    return {
      id,
      title,
      status: "missing",
      found,
      needed,
      remedy: "Report this as a fault of Workcell",
      without,
    };
  }
}

/** Tries everything that Workcell rests on, all at once, and leaves nothing behind. */
export function runDoctor(context: DoctorContext): Promise<readonly DoctorCheck[]> {
  const examination = examinationOf(context);
  return Promise.all(checks.map((check) => conclude(check, examination)));
}

/** One line: `11 of 12 fine; cgroup v1: memory limit works, swap limit does not`. */
export function summarizeDoctor(results: readonly DoctorCheck[]): string {
  const flawed = results.filter(({ status }) => status !== "ok");
  const fine = results.length - flawed.length;
  // The reasons in brackets are for the table.
  const tellings = flawed.map(({ found }) => found.replace(/ \(.*\)$/s, ""));
  return [`${fine} of ${results.length} fine`, ...tellings].join("; ");
}
