import type { Examination } from "./examination.ts";

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

/** Builds that sandbox as cells are built. */
export function runInSandbox(
  examination: Examination,
  bwrap: string,
  script: string,
  filters: readonly Uint8Array[] = [],
) {
  return examination.runAsCell(bwrap, sandboxArguments(script, filters.length), { descriptors: filters });
}
