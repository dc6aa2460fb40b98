import type { Check, Examination, Finding } from "./examination.ts";
import { installRemedy } from "./install-remedy.ts";

/** `wait -n -p` is what the shell at PID 2 tells its forwarders and the command apart with. */
const script = '(exit 7) & child=$!; wait -n -p who; echo "$?" "$((who == child))" "$BASH_VERSION"';

async function examine(examination: Examination): Promise<Finding> {
  const bash = examination.find("bash");
  const remedy = installRemedy(examination, "bash");
  if (bash === undefined) return { status: "missing", found: "bash: not on PATH", remedy };
  const result = await examination.run(bash, ["--norc", "--noprofile", "-c", script]);
  const [, version] = /^7 1 (\S+)/.exec(result.stdout) ?? [];
  if (version !== undefined)
    return { status: "ok", found: `bash ${version.replace(/\(.*/, "")} waits by name` };
  const why = result.failure ?? (result.stderr.trim().split("\n")[0] || "it told the wrong process");
  return { status: "missing", found: `bash cannot "wait -n -p": ${why}`, remedy };
}

/** bash: it is made to wait for a child and to say which it was. */
export const checkBash: Check = {
  id: "bash",
  title: "bash",
  needed: "bash 5.1 or newer, for wait -n -p",
  without: "No cell with the socat tunnel starts: nothing would look after its forwarders",
  examine,
};
