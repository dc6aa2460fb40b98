import type { Check, Examination, Finding } from "./examination.ts";
import { explainFailure } from "./explain-failure.ts";
import { explainStart } from "./explain-start.ts";

async function examine(examination: Examination): Promise<Finding> {
  if (examination.uid !== 0)
    return { status: "ok", found: "idmapped mounts: not needed, since Workcell is not run by root" };
  const result = await examination.run(examination.cellhost, ["probe-idmap", examination.cwd]);
  if (result.code === 0)
    return { status: "ok", found: "idmapped mounts: the working directory can be mapped" };
  if (result.failure !== undefined)
    return {
      status: "missing",
      found: `idmapped mounts: not tried, for cellhost cannot be started (${result.failure})`,
      remedy: "Build the native programs: npm run build",
    };
  const why = result.stderr.trim().split("\n")[0] || `exit code ${result.code}`;
  if (/user namespace/.test(why))
    return {
      status: "weaker",
      found: `idmapped mounts: not to be had without user namespaces (${why})`,
      remedy: explainFailure(why, examination.limits).remedy,
    };
  if (/private mount namespace/.test(why)) {
    const explained = explainStart(why, examination.limits, "bwrap");
    return {
      status: "missing",
      found: `idmapped mounts: ${explained?.reason ?? why}`,
      remedy: explained?.remedy ?? "Run Workcell as an ordinary user",
    };
  }
  return {
    status: "weaker",
    found: `idmapped mounts: not for the working directory (${why})`,
    remedy: "Connect folders on ext4, xfs, btrfs or tmpfs, or run Workcell as their owner instead of root",
  };
}

/** Idmapped mounts: the working directory is mounted under another owner, where only the attempt sees it. */
export const checkIdmap: Check = {
  id: "idmap",
  title: "idmapped mounts",
  needed: "for root: cellhost, and a file system with idmapped mounts (kernel 5.12)",
  without: "Root's folders in review are worked on as copies; ro and rw are refused with the remedy",
  examine,
};
