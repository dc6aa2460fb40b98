import { readlinkSync } from "node:fs";
import type { Check, Examination, Finding } from "./examination.ts";
import { explainFailure } from "./explain-failure.ts";
import { installRemedy } from "./install-remedy.ts";

/** bubblewrap may have an AppArmor profile that other programs lack. */
async function onlyBubblewrap(examination: Examination): Promise<boolean> {
  const bwrap = examination.find("bwrap");
  if (bwrap === undefined) return false;
  const result = await examination.runAsCell(bwrap, ["--unshare-user", "--ro-bind", "/", "/", "true"]);
  return result.code === 0;
}

async function examine(examination: Examination): Promise<Finding> {
  const unshare = examination.find("unshare");
  const who = `uid ${examination.cellIdentity.uid}`;
  if (unshare === undefined)
    return {
      status: "weaker",
      found: "user namespaces: not tried, for there is no unshare on PATH",
      remedy: installRemedy(examination, "util-linux"),
    };
  const words = ["--user", "--map-root-user", "readlink", "/proc/self/ns/user"];
  const result = await examination.runAsCell(unshare, words);
  const own = result.stdout.trim();
  if (result.code === 0 && own !== "" && own !== readlinkSync("/proc/self/ns/user"))
    return { status: "ok", found: `user namespaces: ${who} makes one` };
  const { reason, remedy } = explainFailure(
    result.failure ?? result.stderr,
    examination.limits,
    examination.find("bwrap"),
  );
  return (await onlyBubblewrap(examination))
    ? { status: "weaker", found: "user namespaces: bubblewrap makes one, other programs may not", remedy }
    : { status: "missing", found: `user namespaces: ${who} makes none: ${reason}`, remedy };
}

/** User namespaces: one is made as the user that cells run as. */
export const checkUserNamespaces: Check = {
  id: "user-namespaces",
  title: "user namespaces",
  needed: "user namespaces for the user that cells run as",
  without: "No cell starts, since bubblewrap needs them; if bubblewrap alone has them, cells start",
  examine,
};
