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

/** All checks at once, in the order in which they are shown. */
export function examineAll(context: DoctorContext): Promise<readonly DoctorCheck[]> {
  const examination = examinationOf(context);
  return Promise.all(checks.map((check) => conclude(check, examination)));
}
