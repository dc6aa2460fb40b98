import { readlinkSync } from "node:fs";
import type { ProgramResult } from "../run-program.ts";
import type { Check, Examination, Finding } from "./examination.ts";
import { explainFailure, explainIdentity } from "./explain-failure.ts";
import { installRemedy } from "./install-remedy.ts";

/** bubblewrap may have an AppArmor profile that other programs lack. */
async function onlyBubblewrap(examination: Examination): Promise<boolean> {
  const bwrap = examination.find("bwrap");
  if (bwrap === undefined) return false;
  const result = await examination.runAsCell(bwrap, ["--unshare-user", "--ro-bind", "/", "/", "true"]);
  return result.code === 0;
}

function isOwn({ code, stdout }: ProgramResult): boolean {
  const made = stdout.trim();
  return code === 0 && made !== "" && made !== readlinkSync("/proc/self/ns/user");
}

async function failed(examination: Examination, who: string, result: ProgramResult): Promise<Finding> {
  const bwrap = examination.find("bwrap");
  const { reason, remedy } = explainFailure(result.failure ?? result.stderr, examination.limits, bwrap);
  return (await onlyBubblewrap(examination))
    ? { status: "weaker", found: "user namespaces: bubblewrap makes one, other programs may not", remedy }
    : { status: "missing", found: `user namespaces: ${who} makes none: ${reason}`, remedy };
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
  if (isOwn(result)) return { status: "ok", found: `user namespaces: ${who} makes one` };
  if (result.failure !== undefined && examination.uid === 0) {
    // What root itself is refused explains more than that the uid is not to be had.
    const asRoot = await examination.run(unshare, words);
    if (isOwn(asRoot)) {
      const { reason, remedy } = explainIdentity(examination.cellIdentity.uid, result.failure);
      return { status: "missing", found: `user namespaces: ${reason}`, remedy };
    }
    return failed(examination, "root", asRoot);
  }
  return failed(examination, who, result);
}

/** User namespaces: one is made as the user that cells run as. */
export const checkUserNamespaces: Check = {
  id: "user-namespaces",
  title: "user namespaces",
  needed: "user namespaces for the user that cells run as",
  without: "No cell starts, since bubblewrap needs them; if bubblewrap alone has them, cells start",
  examine,
};
