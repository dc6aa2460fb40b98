import path from "node:path";
import { isInside } from "../lib/is-inside.ts";
import type { Gathered, HostMount, PlannedMount, RootPlan } from "../model/index.ts";
import { isSystem } from "./system-view.ts";

/** Where in the scratch file system the cell's root grows; nothing of a host's has that name there. */
const TREE = "/root";
const ETC = "/etc";
const DEV = "/dev";

/** The devices that bwrap shows where it makes a /dev by itself. */
const devices = ["null", "zero", "full", "random", "urandom", "tty"];

const deviceLinks = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["core", "/proc/kcore"],
  ["ptmx", "pts/ptmx"],
] as const;

/** What cellhost mounts before bwrap starts, and what of it bwrap binds as a whole. */
export type GatheredMounts = Pick<RootPlan, "gathered" | "mounts" | "links" | "folders" | "terminals">;

/** What cellhost can mount without looking into another mount: folders and files that are there for sure. */
function isPlain({ kind, cover, merged, copy }: PlannedMount): boolean {
  const isBind = kind === "ro-bind" || kind === "bind";
  return isBind && cover !== true && merged === undefined && copy === undefined;
}

/** What stands in another mount, or at the same place as one, is left to bwrap, which keeps their order. */
function findAlone(mounts: readonly PlannedMount[]): PlannedMount[] {
  const counts = new Map<string, number>();
  for (const { target, kind } of mounts)
    if (kind !== "dir" && target !== "/") counts.set(target, (counts.get(target) ?? 0) + 1);
  const isFree = (folder: string): boolean =>
    folder === "/" || (!counts.has(folder) && isFree(path.dirname(folder)));
  return mounts.filter(
    (mount) => isPlain(mount) && counts.get(mount.target) === 1 && isFree(path.dirname(mount.target)),
  );
}

function hostMount({ source = "", target, owner, kind }: PlannedMount, below: string): HostMount {
  return {
    source,
    scratch: below + target,
    readOnly: kind === "ro-bind",
    ...(owner === undefined ? (isSystem(source) ? { system: true } : {}) : { owner }),
  };
}

/** /etc by itself: nothing else is mounted there, for which a mount point would have to be made. */
function gatherEtc(mounts: readonly PlannedMount[], alone: readonly PlannedMount[], scratch: string) {
  const inEtc = mounts.filter(({ target }) => target.startsWith(`${ETC}/`));
  const [links, others] = [true, false].map((isLink) =>
    inEtc.filter(({ kind }) => (kind === "symlink") === isLink),
  ) as [PlannedMount[], PlannedMount[]];
  if (others.length === 0 || !others.every((mount) => alone.includes(mount))) return undefined;
  return {
    gathered: {
      ...{ target: ETC, scratch: scratch + ETC, kind: "ro-bind" },
      targets: inEtc.map(({ target }) => target),
    } satisfies Gathered,
    mounts: others.map((mount) => hostMount(mount, scratch)),
    links: links.map(({ source = "", target }) => ({ text: source, scratch: scratch + target })),
  };
}

/** The devices, as bwrap would show them. */
function gatherDevices(mounts: readonly PlannedMount[], scratch: string) {
  if (!mounts.some(({ kind }) => kind === "dev")) return undefined;
  const place = scratch + DEV;
  return {
    gathered: { target: DEV, scratch: place, targets: [DEV], kind: "dev-bind" } satisfies Gathered,
    mounts: devices.map(
      (name): HostMount => ({
        ...{ source: `${DEV}/${name}`, scratch: `${place}/${name}` },
        ...{ readOnly: false, devices: true },
      }),
    ),
    links: deviceLinks.map(([name, text]) => ({ text, scratch: `${place}/${name}` })),
    terminals: `${place}/pts`,
  };
}

/**
 * Gathers what a cell sees. bwrap reads all mounts of its namespace again after each that it makes, so that its time
 * grows with the square of their number; cellhost makes each in microseconds.
 */
export function gatherMounts(mounts: readonly PlannedMount[], scratch: string): GatheredMounts {
  const alone = findAlone(mounts);
  const etc = gatherEtc(mounts, alone, scratch);
  const dev = gatherDevices(mounts, scratch);
  const own =
    etc === undefined ? alone : alone.filter(({ target }) => !etc.gathered.targets.includes(target));
  const root: Gathered = {
    ...{ target: "/", scratch: scratch + TREE, kind: "bind" },
    targets: own.map(({ target }) => target),
  };
  return {
    // Last the one with the most mounts in it.
    gathered: [
      root,
      ...(dev === undefined ? [] : [dev.gathered]),
      ...(etc === undefined ? [] : [etc.gathered]),
    ],
    mounts: [
      ...own.map((mount) => hostMount(mount, scratch + TREE)),
      ...(dev?.mounts ?? []),
      ...(etc?.mounts ?? []),
    ],
    folders: [root, ...(dev === undefined ? [] : [dev.gathered])].map((one) => one.scratch),
    links: [...(dev?.links ?? []), ...(etc?.links ?? [])],
    ...(dev && { terminals: dev.terminals }),
  };
}

/**
 * Links by which a program and its libraries are found where the scratch file system is the root; undefined: they would not be.
 */
export function linksToPrograms(
  program: string,
  mounts: readonly PlannedMount[],
  { gathered: [root, ...others] }: GatheredMounts,
): RootPlan["links"] | undefined {
  const isTop = (target: string) => path.dirname(target) === "/" && isSystem(target);
  const tops = (root?.targets ?? []).filter(isTop);
  if (!tops.some((top) => isInside(program, top))) return undefined;
  const own = mounts.filter(({ kind, target }) => kind === "symlink" && isTop(target));
  // The loader reads /etc/ld.so.cache.
  const etc = others.some(({ target }) => target === ETC) ? [] : [ETC];
  return [
    ...own.map(({ source = "", target }) => ({ text: source, scratch: target })),
    ...[...tops, ...etc].map((target) => ({ text: TREE.slice(1) + target, scratch: target })),
  ];
}
