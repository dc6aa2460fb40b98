import type { Gathered, HostMount, Plan, PlannedMount } from "../model/index.ts";
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
  const { uid, gid, scratch, asRoot, mounts, links, folders, terminals } = root;
  const below = (place: string) => place.slice((asRoot ? 0 : scratch.length) + 1);
  const binds = mounts.flatMap(({ source, scratch: place, owner, ...how }) =>
    owner === undefined
      ? ["--mount", modeOf(how), source, below(place)]
      : ["--idmap", modeOf(how), source, below(place), `${owner.uid}`, `${owner.gid}`],
  );
  return [
    ...["--uid", `${uid}`, "--gid", `${gid}`, "--scratch", scratch, ...(asRoot ? ["--as-root"] : [])],
    ...folders.flatMap((place) => ["--folder", below(place)]),
    ...binds,
    ...links.flatMap(({ text, scratch: place }) => ["--link", text, below(place)]),
    ...(terminals === undefined ? [] : ["--terminals", below(terminals)]),
  ];
}

function modeOf({ devices, system, readOnly }: Pick<HostMount, "devices" | "system" | "readOnly">): string {
  if (devices === true) return "dev";
  return system === true ? "system" : readOnly ? "ro" : "rw";
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

/** The plan of a cell with another command: nothing else of it depends on that. */
export function withCommand(plan: Plan, command: readonly string[]): Plan {
  const other = { ...plan, command };
  return {
    ...other,
    argv: [...plan.argv.slice(0, plan.argv.length - commandWords(plan).length), ...commandWords(other)],
  };
}

/** Every mount by bwrap; what cellhost has gathered by the place that it is in. */
function bwrapMounts(plan: Plan): string[] {
  const { gathered = [] } = plan.root ?? {};
  const inOne = new Set(gathered.flatMap(({ targets }) => targets));
  const bind = ({ kind, scratch, target }: Gathered) => [`--${kind}`, scratch, target];
  const [root = [], dev = [], etc = []] = ["/", "/dev", "/etc"].map((place) =>
    gathered.filter(({ target }) => target === place).flatMap(bind),
  );
  const own = plan.mounts.flatMap((mount) => {
    if (mount.kind === "dev") return dev.length > 0 ? dev : mountArguments(mount, "");
    // /etc has the most mounts: what is made after it would take longer.
    if (mount.kind === "remount-ro") return [...etc, ...mountArguments(mount, "")];
    return inOne.has(mount.target) ? [] : mountArguments(mount, bindSource(mount, plan));
  });
  return [...root, ...own];
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
