import type { HostMount, Plan, PlannedMount } from "../model/index.ts";
import { cpuList } from "./limited-views.ts";

/** The descriptors that cellhost inherits; bwrap gets all but the channel, and 7 for cellinit to speak on. */
export const descriptorNumbers = { channel: 3, "filter-1": 4, "filter-2": 5, stderr: 6 } as const;

/** cellinit's end of its socket to cellhost (native/protocol.h). */
const CONTROL = 7;

/** Where cellinit stands in the cell. */
export const cellinitPlace = "/run/workcell/cellinit";

/** Variables that a loader or shell acts on: nothing that Workcell starts may see them before the command. */
const actsOnLaunchers = /^(LD_|GCONV_PATH$|GLIBC_TUNABLES$|BASH_ENV$|ENV$|NODE_OPTIONS$)/;

function mountArguments(mount: PlannedMount, source: string): string[] {
  const perms = mount.perms === undefined ? [] : ["--perms", mount.perms];
  switch (mount.kind) {
    case "ro-bind":
      return [mount.cover === true ? "--ro-bind-try" : "--ro-bind", source, mount.target];
    case "bind":
    case "symlink":
      return [`--${mount.kind}`, source, mount.target];
    case "tmpfs":
      return [
        ...perms,
        ...(mount.size === undefined ? [] : ["--size", `${mount.size}`]),
        "--tmpfs",
        mount.target,
      ];
    case "dir":
      return [...perms, "--dir", mount.target];
    case "proc":
    case "dev":
    case "remount-ro":
      return [`--${mount.kind}`, mount.target];
  }
}

/** Where bwrap binds from: for root's cells the scratch file system, whatever a dropped uid could not walk to. */
function bindSource({ kind, source = "", merged, copy }: PlannedMount, { root, layers }: Plan): string {
  // What a link says is read in the cell.
  if (kind === "symlink") return source;
  if (copy !== undefined) return scratchSource(copy, root?.mounts ?? []);
  if (merged !== undefined && layers !== undefined) return `${layers.scratch}/${merged}`;
  return scratchSource(source, root?.mounts ?? []);
}

function scratchSource(source: string, mounts: readonly HostMount[]): string {
  const base = mounts
    .filter((mount) => source === mount.source || source.startsWith(`${mount.source}/`))
    .sort((a, b) => b.source.length - a.source.length)[0];
  return base === undefined ? source : base.scratch + source.slice(base.source.length);
}

function isolationArguments({ identity, hostname, workdir }: Plan): string[] {
  return [
    ...[
      "--unshare-user",
      "--unshare-pid",
      "--unshare-net",
      "--unshare-ipc",
      "--unshare-uts",
      "--unshare-cgroup",
    ],
    ...["--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...["--hostname", hostname, "--uid", `${identity.uid}`, "--gid", `${identity.gid}`, "--chdir", workdir],
  ];
}

function dropArguments({ root }: Plan): string[] {
  if (root === undefined) return [];
  const { uid, gid, scratch, mounts, etc } = root;
  const below = (place: string) => place.slice(scratch.length + 1);
  const binds = mounts.flatMap(({ source, scratch: place, owner, readOnly, system }) => {
    const mode = system === true ? "system" : readOnly ? "ro" : "rw";
    const common = [mode, source, below(place)];
    return owner === undefined
      ? ["--mount", ...common]
      : ["--idmap", ...common, `${owner.uid}`, `${owner.gid}`];
  });
  const links = (etc?.links ?? []).flatMap(({ text, scratch: place }) => ["--link", text, below(place)]);
  return ["--uid", `${uid}`, "--gid", `${gid}`, "--scratch", scratch, ...binds, ...links];
}

function layerArguments({ layers, root }: Plan): string[] {
  if (layers === undefined || layers.merged.length === 0) return [];
  const each = layers.merged.flatMap(({ name, lower, device, inode, layer, owner }) => [
    ...["--layer", name, lower, device, inode, layer],
    ...[`${owner.uid}`, `${owner.gid}`],
  ]);
  const scratch = root === undefined ? ["--scratch", layers.scratch] : [];
  return [...scratch, "--layers", layers.folder, ...each];
}

function supervisorArguments(plan: Plan): string[] {
  const keep = plan.descriptors
    .filter(({ name }) => name !== "channel")
    .flatMap(({ fd }) => ["--keep-fd", `${fd}`]);
  const terminal = plan.terminal ? ["--terminal"] : [];
  const cpus = plan.limits.held.cpus === "host" ? [] : ["--cpus", cpuList(plan.limits.cpuIds)];
  const further = plan.execSocket === undefined ? [] : ["--exec-socket", plan.execSocket];
  return [
    plan.cellhost,
    "supervise",
    ...terminal,
    ...cpus,
    ...further,
    ...dropArguments(plan),
    ...layerArguments(plan),
    ...keep,
    "--",
  ];
}

/** cellinit and what it is to do, up to the command's own words. */
export function sealArguments(
  verb: "seal" | "init",
  { seal, terminal }: Pick<Plan, "seal" | "terminal">,
): string[] {
  return [
    cellinitPlace,
    verb,
    ...["--control-fd", `${CONTROL}`, "--filter-fd", `${descriptorNumbers["filter-2"]}`],
    // A terminal is stdin, stdout and stderr at once.
    ...(terminal ? ["--terminal"] : ["--stderr-fd", `${descriptorNumbers.stderr}`]),
    "--uid-check",
    seal.landlockRequired ? "--landlock-required" : "--landlock-optional",
    ...seal.landlockRead.flatMap((path) => ["--landlock-read", path]),
    ...seal.landlockWrite.flatMap((path) => ["--landlock-write", path]),
    ...Object.entries(seal.rlimits).flatMap(([name, value]) => ["--rlimit", `${name}=${value}`]),
    "--",
  ];
}

/**
 * SECURITY(P3): a loader's variables could name what an earlier command left in a folder, and bwrap, the shell and the
 * forwarders are not sealed. They are set by the command's own process, once it is.
 */
function commandWords(plan: Plan): string[] {
  const acting = plan.environment.filter(({ name }) => actsOnLaunchers.test(name));
  if (acting.length === 0) return [...plan.command];
  return ["/usr/bin/env", ...acting.map(({ name, value }) => `${name}=${value}`), ...plan.command];
}

/** Every mount by bwrap, but those that cellhost has gathered: the folder they are in, in the place of the first. */
function bwrapMounts(plan: Plan): string[] {
  const { scratch = "", targets = [] } = plan.root?.etc ?? {};
  const gathered = new Set(targets);
  return plan.mounts.flatMap((mount) => {
    // What has the same place once more lies over it.
    if (!gathered.delete(mount.target)) return mountArguments(mount, bindSource(mount, plan));
    return mount.target === targets[0] ? ["--ro-bind", scratch, "/etc"] : [];
  });
}

/** The plan as one command line: cellhost, bwrap, what makes the tunnel and seals the command, the command. */
export function planArgv(plan: Plan, bwrap: string, inside: readonly string[]): string[] {
  return [
    ...supervisorArguments(plan),
    bwrap,
    ...isolationArguments(plan),
    ...bwrapMounts(plan),
    ...["--add-seccomp-fd", `${descriptorNumbers["filter-1"]}`],
    "--",
    ...inside,
    ...commandWords(plan),
  ];
}

/** The environment bwrap itself is started with, which is the command's: nothing of it shows on a command line. */
export function launchEnvironment(plan: Plan): Record<string, string> {
  const plain = plan.environment.filter(({ name }) => !actsOnLaunchers.test(name));
  return Object.fromEntries(plain.map(({ name, value }) => [name, value]));
}
