import { isInside } from "../lib/is-inside.ts";
import type { FoundPath, PlannedMount } from "../model/index.ts";

/** The file that stands for one that may not be read, below the cell's own folder on the host. */
export const HIDDEN_FILE = "hidden";

/** Room for the names of what is shown again in it. */
const HIDDEN_BYTES = 64 * 1024;

/** Where the cell sees the host's own files: connected folders, and the system at its own place. */
const showsHost = ({ kind, source, target, owner }: PlannedMount) =>
  (kind === "bind" || kind === "ro-bind") && (owner !== undefined || source === target);

const isConnected = ({ owner }: PlannedMount) => owner !== undefined;

/** Of the rules that a path lies in, the nearest; of two for one place the one that shows. */
function nearest(rules: readonly FoundPath[], path: string): FoundPath | undefined {
  return rules
    .filter((rule) => rule.effect !== "freeze" && isInside(path, rule.path))
    .sort((a, b) => b.path.length - a.path.length || (a.effect === "show" ? -1 : 1))[0];
}

/** A mount of the host's as the rules leave it; undefined when nothing of it may be seen. */
function ruled(mount: PlannedMount, rules: readonly FoundPath[]): PlannedMount | undefined {
  if (!showsHost(mount) || mount.target.startsWith("/proc/")) return mount;
  const { source = "" } = mount;
  // What somebody connected by its own name is shown, though what it lies in is hidden.
  if (!isConnected(mount) && nearest(rules, source)?.effect === "hide") return undefined;
  const frozen = rules.find(({ effect, path }) => effect === "freeze" && isInside(source, path));
  if (frozen === undefined || mount.kind !== "bind" || mount.merged !== undefined) return mount;
  return { ...mount, kind: "ro-bind", reason: `${mount.reason}; not to be written (${frozen.origin})` };
}

interface CoverInput {
  readonly rules: readonly FoundPath[];
  /** The cell's own folder on the host. */
  readonly cellFolder: string;
}

const placeIn = (mount: PlannedMount, path: string) => mount.target + path.slice((mount.source ?? "").length);

function hide(rule: FoundPath, target: string, { cellFolder }: CoverInput): PlannedMount {
  const reason = `not to be read (${rule.origin})`;
  return rule.isFolder
    ? { kind: "tmpfs", target, size: HIDDEN_BYTES, perms: "0555", reason }
    : { kind: "ro-bind", target, source: `${cellFolder}/${HIDDEN_FILE}`, reason };
}

/** The host's own file or folder once more, at the same place. */
function again(
  kind: "bind" | "ro-bind",
  target: string,
  found: Omit<FoundPath, "above" | "effect" | "isFolder">,
) {
  const { path, device, inode, origin } = found;
  return { kind, target, source: path, identity: { device, inode }, reason: origin } satisfies PlannedMount;
}

/** A folder with something mounted in it could be renamed, and another put in its place; a mount point cannot. */
function pins(rule: FoundPath, mount: PlannedMount, rules: readonly FoundPath[]): PlannedMount[] {
  if (mount.kind !== "bind" || mount.merged !== undefined) return [];
  const reached = (path: string) => rules.some((one) => one !== rule && isInside(path, one.path));
  return rule.above
    .filter(({ path }) => path !== mount.source && isInside(path, mount.source ?? "") && !reached(path))
    .map((folder) =>
      again("bind", placeIn(mount, folder.path), {
        ...folder,
        origin: `keeps its name: it holds what is ruled on (${rule.origin})`,
      }),
    );
}

function coversOf(mount: PlannedMount, input: CoverInput): PlannedMount[] {
  const { rules } = input;
  const within = rules.filter(({ path }) => isInside(path, mount.source ?? ""));
  return within.flatMap((rule): PlannedMount[] => {
    const target = placeIn(mount, rule.path);
    // What lies in a folder that is hidden is hidden with it, unless it is shown.
    const around = nearest(
      rules.filter((one) => one !== rule && one.path !== rule.path),
      rule.path,
    );
    const isHidden = around?.effect === "hide" && isInside(around.path, mount.source ?? "");
    if (rule.effect === "hide") {
      const shown = rules.some(({ effect, path }) => effect === "show" && path === rule.path);
      return shown || isHidden ? [] : [...pins(rule, mount, rules), hide(rule, target, input)];
    }
    if (rule.effect === "show") {
      return isHidden ? [{ ...again("ro-bind", target, rule), reason: `may be read (${rule.origin})` }] : [];
    }
    if (isHidden || rule.path === mount.source || mount.kind !== "bind") return [];
    const cover = {
      ...again("ro-bind", target, rule),
      // A merged folder is not what root's cells see the host's own by: the cover needs the owner itself.
      ...(mount.merged !== undefined && mount.owner && { owner: mount.owner }),
      reason: `not to be written (${rule.origin})`,
    };
    return [...pins(rule, mount, rules), cover];
  });
}

/** By its place, the outer one first; of two for one place the one that takes more away, last. */
function inOrder(mounts: readonly PlannedMount[]): PlannedMount[] {
  const weight = ({ kind }: PlannedMount) => ["bind", "ro-bind", "tmpfs"].indexOf(kind);
  return [...mounts].sort((a, b) => a.target.length - b.target.length || weight(a) - weight(b));
}

export interface Covered {
  readonly system: readonly PlannedMount[];
  readonly folders: readonly PlannedMount[];
}

/**
 * What the rules leave of a cell's view: system folders and connected ones, with a cover over each place that may not be
 * read or not be written. Covers come after what they cover; a folder that was connected by its own name stays on top.
 */
export function coverPaths({ system, folders }: Covered, input: CoverInput): Covered {
  const { rules } = input;
  if (rules.length === 0) return { system, folders };
  const kept = (mounts: readonly PlannedMount[]) => mounts.flatMap((mount) => ruled(mount, rules) ?? []);
  const [view, connected] = [kept(system), kept(folders)];
  const over = (mounts: readonly PlannedMount[]) =>
    mounts.filter(showsHost).flatMap((m) => coversOf(m, input));
  const taken = new Set(
    connected
      .filter(({ source }) => !rules.some((r) => r.effect === "hide" && r.path === source))
      .map(({ target }) => target),
  );
  const covers = [...over(view), ...over(connected)].filter(({ target }) => !taken.has(target));
  const once = [...new Map(covers.map((mount) => [`${mount.kind} ${mount.target}`, mount])).values()];
  const closed = once
    .filter(({ kind }) => kind === "tmpfs")
    .map(({ target, reason }): PlannedMount => ({ kind: "remount-ro", target, reason }));
  return { system: view, folders: [...inOrder([...connected, ...once]), ...closed] };
}
