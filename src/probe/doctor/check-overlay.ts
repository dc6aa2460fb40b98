import { chownSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../../errors/index.ts";
import type { Check, Examination, Finding } from "./examination.ts";
import { explainFailure } from "./explain-failure.ts";
import { installRemedy } from "./install-remedy.ts";
import { withFolder } from "./lent-folder.ts";

/** Relative names, so that no colon or comma of the folder's own is read as an option. */
const script = [
  "mkdir lower upper work merged && echo old > lower/old",
  "mount -t overlay overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work merged",
  "echo new > merged/new",
  "rm merged/old",
  "test -f upper/new && test -c upper/old && test -f lower/old",
  "echo works",
].join(" && ");

async function mountIn(examination: Examination, unshare: string, folder: string): Promise<Finding> {
  const { uid, gid } = examination.cellIdentity;
  try {
    chownSync(folder, uid, gid);
  } catch (error) {
    const remedy = "Make the check of the uid range pass first: workcell doctor";
    return {
      status: "weaker",
      found: `overlay: not tried, for uid ${uid} is not to be had (${codeOf(error)})`,
      remedy,
    };
  }
  const words = ["--user", "--map-root-user", "--mount", "sh", "-c", script];
  const result = await examination.runAsCell(unshare, words, { cwd: folder });
  if (result.stdout.trim() === "works")
    return { status: "ok", found: "overlay: mounts in a user namespace, changes and deletions kept apart" };
  const why = result.failure ?? (result.stderr.trim().split("\n")[0] || `exit code ${result.code}`);
  const remedy = why.startsWith("unshare:")
    ? explainFailure(why, examination.limits).remedy
    : `Run a kernel of 5.11 or newer, with ${path.dirname(folder)} on a file system that overlay accepts`;
  return { status: "weaker", found: `overlay: no mount in a user namespace (${why})`, remedy };
}

async function examine(examination: Examination): Promise<Finding> {
  const unshare = examination.find("unshare");
  if (unshare === undefined)
    return {
      status: "weaker",
      found: "overlay: not tried, for there is no unshare on PATH",
      remedy: installRemedy(examination, "util-linux"),
    };
  return withFolder((folder) => mountIn(examination, unshare, folder));
}

/** overlay: a folder is mounted copy-on-write as cells would, changed, and looked at from below. */
export const checkOverlay: Check = {
  id: "overlay",
  title: "overlay",
  needed: "overlayfs inside a user namespace (kernel 5.11)",
  without: "Copy-on-write folders work on a whole copy instead",
  examine,
};
