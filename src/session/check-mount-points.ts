import { lstatSync, statSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import type { Plan } from "../model/index.ts";

/** A place in the cell as the host sees it, when it lies in what the session keeps from one cell to the next. */
function keptPlace(
  plan: Plan,
  sessionFolder: string,
  target: string,
): { base: string; below: string } | undefined {
  const bases = [
    [plan.identity.home, "home"],
    ["/tmp", "tmp"],
    ["/var/tmp", "tmp"],
  ] as const;
  for (const [inside, name] of bases) {
    if (target.startsWith(`${inside}/`))
      return { base: path.join(sessionFolder, name), below: target.slice(inside.length + 1) };
  }
  return undefined;
}

/**
 * SECURITY(P8): bwrap makes missing mount points, and follows links on the way: one that an earlier cell has laid in
 * the session's home would have it make folders on the host, and mount nothing where the command looks. What is on the
 * way must be folders; at its end there may be the file that an earlier cell of the session was shown one in place of.
 */
export function checkMountPoints(plan: Plan, sessionFolder: string): void {
  for (const { target, source } of plan.mounts) {
    const kept = keptPlace(plan, sessionFolder, target);
    let current = kept?.base ?? "";
    const parts = kept?.below.split("/") ?? [];
    for (const [index, part] of parts.entries()) {
      current = path.join(current, part);
      const found = lstatSync(current, { throwIfNoEntry: false });
      if (found === undefined) break;
      const isEnd = index === parts.length - 1 && found.isFile();
      if (found.isDirectory() || (isEnd && source !== undefined && statSync(source).isFile())) continue;
      throw new WorkcellError("WC_MOUNT", {
        message: `Cannot connect a folder at "${target}": an earlier command of the session "${plan.session}" has put something else than a folder on the way (${current})`,
        remedy: `Look at it and remove it: rm -- '${current}'`,
      });
    }
  }
}
