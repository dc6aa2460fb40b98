import type { FolderFacts, HostFacts, MountRequest, Settings } from "../../src/model/index.ts";
import type { PlanInput } from "../../src/plan/index.ts";
import { buildPolicy } from "../../src/policy/index.ts";

export const from = <T>(value: T, origin = "built in") => ({ value, origin });

/** A mount as the person asks for it, and as probe/ finds it. */
export const mount = (source: string, mode: MountRequest["mode"] = "rw", name?: string) =>
  from({ source, mode, ...(name !== undefined && { name }) }, "flag --mount");

const tool = (path: string) => ({ path, realPath: path });

/** A machine as Debian sets it up, with nothing special. */
export const facts: HostFacts = {
  uid: 1000,
  gid: 1000,
  arch: "x86_64",
  kernel: "6.1.0",
  home: "/home/ann",
  cwd: "/home/ann/work",
  own: {
    records: "/home/ann/.local/state/workcell",
    steering: ["/home/ann/.config/workcell", "/home/ann/.cache/workcell"],
  },
  umask: 0o022,
  bwrap: tool("/usr/bin/bwrap"),
  socat: tool("/usr/bin/socat"),
  bash: tool("/usr/bin/bash"),
  node: tool("/usr/bin/node"),
  nodeFolders: ["/usr/bin", "/usr/lib/node_modules"],
  cellhost: "/opt/workcell/native/cellhost",
  cellinit: "/opt/workcell/native/cellinit",
  path: ["/home/ann/bin", "/usr/local/bin", "/usr/bin", "/opt/go/bin"],
  rootLinks: { bin: "usr/bin", lib: "usr/lib" },
  rootFolders: ["usr", "opt"],
  etc: ["hosts", "ld.so.cache", "localtime", "passwd", "shadow", "ssl"],
  etcLinks: { localtime: "/usr/share/zoneinfo/Etc/UTC" },
  existing: ["/proc/sys", "/proc/sysrq-trigger", "/sys/devices/system/cpu", "/var/lib/dpkg"],
  caFiles: {},
  environment: { HOME: "/home/ann", LANG: "C.UTF-8", SECRET: "s", PATH: "/usr/bin" },
  folders: {},
  subuids: [],
  presets: [],
  limits: {
    uid: 1000,
    kernel: "6.1.0",
    cpuIds: [0, 1],
    memoryBytes: 16 * 1024 ** 3,
    swapBytes: 0,
    cgroups: { kind: "none", swap: false, missing: "this user has no control groups" },
    mountTable: "",
    meminfo: "MemTotal:       16777216 kB\nMemFree:        8388608 kB\n",
  },
};

export const settings: Settings = {
  profile: from("cowork"),
  tunnel: from("socat"),
  tier: from("process"),
  allowHosts: [],
  denyHosts: [],
  presets: [],
  mounts: [],
  environment: [],
  uidRange: from({ first: 1_900_000_000, last: 1_900_065_535 }),
};

const state = "/home/ann/.local/state/workcell";

interface Changes {
  readonly settings?: Partial<Settings>;
  readonly facts?: Partial<HostFacts>;
  /** Host uid of the session: root starts it. */
  readonly uid?: number;
}

/** A request for a plan: every folder that is asked for is found, where it is said to be. */
export function planInput(changes: Changes = {}): PlanInput {
  const chosen = { ...settings, ...changes.settings };
  const folders = chosen.mounts.map(({ value }): [string, FolderFacts] => [
    value.source,
    { realPath: value.source, uid: 1000, gid: 100, device: 1, inode: 1 },
  ]);
  const found = { ...facts, folders: Object.fromEntries(folders), ...changes.facts };
  const name = "brave-loving-maxwell";
  return {
    settings: chosen,
    facts: found,
    policy: buildPolicy(chosen, found),
    records: state,
    steering: ["/home/ann/.config/workcell", "/home/ann/.cache/workcell"],
    session: {
      name,
      folder: `${state}/sessions/${name}`,
      cell: "c0ffee",
      ...(changes.uid !== undefined && { uid: changes.uid }),
    },
    command: ["npm", "test", "--", "-x"],
  };
}
