import type { Examination } from "./examination.ts";
import { maskedProc } from "./explain-failure.ts";

/** The namespaces every cell has for its own. */
export const cellNamespaces = ["pid", "net", "user", "uts", "ipc", "cgroup"] as const;

/** bwrap's arguments for a small sandbox with everything that a cell's rests on, and a script to run in it. */
export function sandboxArguments(script: string, filters: number): readonly string[] {
  const namespaces = cellNamespaces.map((name) => `--unshare-${name}`);
  const folders = ["/bin", "/sbin", "/lib", "/lib32", "/lib64"].flatMap((name) => [
    "--ro-bind-try",
    name,
    name,
  ]);
  const descriptors = Array.from({ length: filters }, (_, index) => ["--add-seccomp-fd", String(index + 3)]);
  return [
    ...namespaces,
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--hostname",
    "claude",
    ...["--ro-bind", "/usr", "/usr"],
    ...folders,
    ...["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
    ...descriptors.flat(),
    // The person's PATH may name folders that are not in the sandbox.
    ...["--setenv", "PATH", "/usr/bin:/bin"],
    ...["--", "/bin/sh", "-c", script],
  ];
}

/** With cellhost, which gives root's cells a whole /proc where an engine has covered the machine's. */
function runByCellhost(
  { run, cellhost, cellIdentity: { uid, gid } }: Examination,
  bwrap: string,
  script: string,
  filters: readonly Uint8Array[],
) {
  const keep = filters.flatMap((_, index) => ["--keep-fd", `${index + 3}`]);
  const enter = ["enter", "--uid", `${uid}`, "--gid", `${gid}`, "--scratch", "/tmp", ...keep];
  const words = [...enter, "--", bwrap, ...sandboxArguments(script, filters.length)];
  return run(cellhost, words, { descriptors: filters });
}

/** Builds that sandbox as cells are built. `isMasked`: the machine's /proc is covered, and it has a whole one all the same. */
export async function runInSandbox(
  examination: Examination,
  bwrap: string,
  script: string,
  filters: readonly Uint8Array[] = [],
) {
  const words = sandboxArguments(script, filters.length);
  const result = await examination.runAsCell(bwrap, words, { descriptors: filters });
  if (result.code === 0 || examination.uid !== 0 || !maskedProc.test(result.stderr)) return result;
  const again = await runByCellhost(examination, bwrap, script, filters);
  return again.code === 0 ? { ...again, isMasked: true } : result;
}
