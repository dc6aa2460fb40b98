import { readFileSync, statSync } from "node:fs";
import { codeOf, WorkcellError } from "../errors/index.ts";
import type { Plan, PlannedMount } from "../model/index.ts";

/** PID 1 of the cell has bwrap for its parent, which is where cellhost has merged folders and layers. */
function parentOf(pid: number): number {
  const [, afterName = ""] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
  return Number(afterName.split(" ")[1]);
}

/** Which folder is to stand there: the one that was decided on, or what it was merged to, which cellhost has checked. */
function wanted({ identity, merged, copy }: PlannedMount, { layers }: Plan, hostPid: number) {
  if (copy !== undefined) {
    const { dev, ino } = statSync(copy);
    return { device: dev, inode: ino };
  }
  if (merged === undefined) return identity;
  const { dev, ino } = statSync(`/proc/${parentOf(hostPid)}/root${layers?.scratch}/${merged}`);
  return { device: dev, inode: ino };
}

function isTheOne(mount: PlannedMount, plan: Plan, hostPid: number): boolean {
  try {
    const found = statSync(`/proc/${hostPid}/root${mount.target}`);
    const identity = wanted(mount, plan, hostPid);
    return found.dev === identity?.device && found.ino === identity.inode;
  } catch (error) {
    if (mount.cover === true && codeOf(error) === "ENOENT") return true;
    // A link that an earlier command laid in the way of the mount point leads nowhere here.
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ELOOP" || codeOf(error) === "EACCES") return false;
    throw error;
  }
}

/**
 * SECURITY(P8): bwrap takes a folder by its path, and between the decision and the mount another process of the person's
 * (a cell that may write to the folder above, say) can put a link in its place. Before the command begins, what stands
 * in the cell is compared with what was decided on.
 */
export function checkConnected(plan: Plan, hostPid: number): void {
  for (const mount of plan.mounts) {
    if (mount.identity === undefined || isTheOne(mount, plan, hostPid)) continue;
    throw new WorkcellError("WC_MOUNT", {
      message: `Cannot connect the folder "${mount.source}": another one stood in its place when the cell was built`,
      remedy: "Start again when nothing moves it, and look at what does",
    });
  }
}
