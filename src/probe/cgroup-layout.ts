import path from "node:path";

/** Where a controller's groups lie for this process. */
export interface CgroupPlace {
  readonly version: 1 | 2;
  /** This process's own group as a folder. */
  readonly own: string;
  /** The top of the hierarchy as it is mounted. */
  readonly top: string;
}

/** The places of the controllers that limits need; undefined where a controller is in no hierarchy. */
export interface CgroupLayout {
  readonly memory: CgroupPlace | undefined;
  readonly pids: CgroupPlace | undefined;
  readonly cpu: CgroupPlace | undefined;
  readonly cpuacct: CgroupPlace | undefined;
  /** Both versions are mounted. */
  readonly hybrid: boolean;
}

interface Mount {
  readonly version: 1 | 2;
  readonly root: string;
  readonly point: string;
  readonly controllers: readonly string[];
}

const decodeOctal = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

function parseMounts(mountinfo: string): readonly Mount[] {
  return mountinfo.split("\n").flatMap((line): Mount[] => {
    const [head = "", tail = ""] = line.split(" - ");
    const [, , , root = "", point = ""] = head.split(" ");
    const [type, , options = ""] = tail.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") return [];
    const version = type === "cgroup" ? 1 : 2;
    return [{ version, root: decodeOctal(root), point: decodeOctal(point), controllers: options.split(",") }];
  });
}

/** The group of this process below a mount, which may show only part of the hierarchy. */
function placeOf(mount: Mount, group: string): CgroupPlace {
  const below = path.relative(mount.root, group);
  const own = below.startsWith("..") ? mount.point : path.join(mount.point, below);
  return { version: mount.version, own, top: mount.point };
}

/** Reads `/proc/self/cgroup` and `/proc/self/mountinfo`. A controller that version 1 holds is not in version 2. */
export function parseCgroupLayout(cgroup: string, mountinfo: string): CgroupLayout {
  const mounts = parseMounts(mountinfo);
  const groups = cgroup.split("\n").flatMap((line) => {
    const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return controllers === undefined || group === undefined
      ? []
      : [{ controllers: controllers.split(","), group }];
  });
  const find = (controller: string): CgroupPlace | undefined => {
    const first = groups.find(({ controllers }) => controllers.includes(controller));
    const firstMount = mounts.find((mount) => mount.version === 1 && mount.controllers.includes(controller));
    if (first !== undefined) return firstMount && placeOf(firstMount, first.group);
    const second = groups.find(({ controllers }) => controllers.length === 1 && controllers[0] === "");
    const secondMount = mounts.find((mount) => mount.version === 2);
    return second && secondMount && placeOf(secondMount, second.group);
  };
  const versions = new Set(mounts.map(({ version }) => version));
  return {
    ...{ memory: find("memory"), pids: find("pids"), cpu: find("cpu"), cpuacct: find("cpuacct") },
    hybrid: versions.size === 2,
  };
}

/** The groups in which a new one may be made: the own, and in version 2 those above it, which hold no controllers back. */
export function parentsOf({ version, own, top }: CgroupPlace): readonly string[] {
  const parents = [own];
  if (version === 1) return parents;
  for (let folder = own; folder !== top && folder.startsWith(`${top}/`); ) {
    folder = path.dirname(folder);
    parents.push(folder);
  }
  return parents;
}
