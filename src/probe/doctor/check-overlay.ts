import path from "node:path";
import type { Check, Examination, Finding } from "./examination.ts";
import { installRemedy } from "./install-remedy.ts";

/** Relative names, so that no colon or comma of the folder's own is read as an option. */
const script = [
  "mkdir lower upper work merged && echo old > lower/old",
  "mount -t overlay overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work merged",
  "echo new > merged/new",
  "rm merged/old",
  "test -f upper/new && test -c upper/old && test -f lower/old",
  "echo works",
].join(" && ");

async function examine(examination: Examination): Promise<Finding> {
  const unshare = examination.find("unshare");
  if (unshare === undefined)
    return {
      status: "weaker",
      found: "overlay: not tried, for there is no unshare on PATH",
      remedy: installRemedy(examination, "util-linux"),
    };
  return examination.withFolder(async (folder) => {
    const words = ["--user", "--map-root-user", "--mount", "sh", "-c", script];
    const result = await examination.runAsCell(unshare, words, { cwd: folder });
    if (result.stdout.trim() === "works")
      return {
        status: "ok" as const,
        found: "overlay: mounts in a user namespace, changes and deletions kept apart",
      };
    const why = result.failure ?? (result.stderr.trim().split("\n")[0] || `exit code ${result.code}`);
    return {
      status: "weaker" as const,
      found: `overlay: no mount in a user namespace: ${why.replaceAll(folder, "FOLDER")}`,
      remedy: `Run a kernel of 5.11 or newer, with ${path.dirname(folder)} on a file system that overlay accepts`,
    };
  });
}

/** overlay: a folder is mounted copy-on-write as cells would, changed, and looked at from below. */
export const checkOverlay: Check = {
  id: "overlay",
  title: "overlay",
  needed: "overlayfs inside a user namespace (kernel 5.11)",
  without: "Copy-on-write folders work on a whole copy instead",
  examine,
};
