import type {
  HostFacts,
  HostMount,
  Plan,
  PlannedDescriptor,
  PlannedMount,
  Policy,
  RootPlan,
  SessionFacts,
  Settings,
} from "../model/index.ts";
import { descriptorNumbers, planArgv } from "./argv.ts";
import { planCellFiles } from "./cell-files.ts";
import { caVariables, planEnvironment } from "./environment.ts";
import { nestFolders, planFolders, planWorkdir } from "./folders.ts";
import { buildFilters } from "./seccomp/index.ts";
import { planPackageSources, planSystemView } from "./system-view.ts";
import { tunnelScript } from "./tunnel-script.ts";

export interface PlanInput {
  readonly settings: Settings;
  readonly policy: Policy;
  readonly facts: HostFacts;
  readonly session: SessionFacts;
  /** Workcell's state folder. */
  readonly records: string;
  /** Its settings and its cache: what stands there decides what later cells may do. */
  readonly steering: readonly string[];
  readonly command: readonly string[];
}

const SCRATCH = "/tmp";
const isSystem = (path: string) => /^\/(usr|bin|sbin|lib\w*|opt|etc|proc|sys)(\/|$)/.test(path);

/** Uid inside: stable for a session's name, small enough for every archive format. */
function insideUid(name: string): number {
  let hash = 2166136261;
  for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619) >>> 0;
  return 10_000 + (hash % 50_000);
}

/** Node's own folders, when Node does not stand in the system: without them neither node nor npm would be found. */
function toolMounts(facts: HostFacts): PlannedMount[] {
  const bin = facts.node.realPath.replace(/\/[^/]+$/, "");
  if (isSystem(bin)) return [];
  const modules = bin.replace(/\/bin$/, "/lib/node_modules");
  return [bin, modules].map((folder) => ({
    kind: "ro-bind",
    target: folder,
    source: folder,
    reason: "the Node.js that runs Workcell, and its npm",
  }));
}

/** CA files that the person's variables name, where the cell would not see them. */
function certificateMounts(facts: HostFacts): Map<string, PlannedMount> {
  const named = [
    ...caVariables.map((name) => facts.environment[name]),
    ...facts.presets.flatMap((preset) => caVariables.map((name) => preset.environment[name])),
  ];
  const hidden = [...new Set(named)].flatMap((file) => {
    const real = file === undefined ? undefined : facts.caFiles[file];
    return file === undefined || real === undefined || /^\/(usr|etc\/ssl|etc\/pki)\//.test(file)
      ? []
      : [{ file, real }];
  });
  return new Map(
    hidden.map(({ file, real }, index) => [
      file,
      { kind: "ro-bind", target: `/etc/workcell/ca-${index}.pem`, source: real, reason: `CA file ${file}` },
    ]),
  );
}

function sessionMounts(session: SessionFacts, home: string): PlannedMount[] {
  const tmp = `${session.folder}/tmp`;
  return [
    { kind: "bind", target: "/tmp", source: tmp, reason: "private; holds the gate's sockets" },
    // No symlink: bwrap would not find its way to a folder of the host's /var/tmp that is to be connected below it.
    { kind: "bind", target: "/var/tmp", source: tmp, reason: "one place for temporary files" },
    { kind: "bind", target: home, source: `${session.folder}/home`, reason: "the session's home" },
  ];
}

/** What root's cellhost mounts for the dropped uid: everything that is not the system's. */
function planRoot(input: PlanInput, uid: number, mounts: readonly PlannedMount[]): RootPlan {
  const { facts, session } = input;
  const files = `${session.folder}/cells/${session.cell}`;
  const bases = new Map<string, Pick<HostMount, "readOnly" | "owner">>([[files, { readOnly: true }]]);
  for (const mount of mounts) {
    if (mount.source === undefined || (mount.kind !== "bind" && mount.kind !== "ro-bind")) continue;
    if (mount.source.startsWith(`${files}/`) || (isSystem(mount.source) && mount.owner === undefined))
      continue;
    bases.set(mount.source, {
      readOnly: mount.kind === "ro-bind",
      ...(mount.owner === undefined ? {} : { owner: mount.owner }),
    });
  }
  const hostMounts = [...bases].map(([source, how], index) => ({
    source,
    scratch: `${SCRATCH}/m${index}`,
    ...how,
  }));
  return { cellhost: facts.cellhost, uid, gid: uid, scratch: SCRATCH, mounts: hostMounts };
}

function planMounts(
  input: PlanInput,
  home: string,
  files: readonly string[],
): { all: PlannedMount[]; folders: PlannedMount[] } {
  const { facts, session } = input;
  const folders = planFolders({ ...input, home });
  const all: PlannedMount[] = [
    ...planSystemView(facts, files, `${session.folder}/cells/${session.cell}`),
    ...certificateMounts(facts).values(),
    ...planPackageSources(facts),
    ...toolMounts(facts),
    ...sessionMounts(session, home),
    ...nestFolders(folders),
    {
      kind: "remount-ro",
      target: "/",
      reason: "nothing is written outside home, /tmp and connected folders",
    },
  ];
  return { all, folders };
}

function planDescriptors(filters: Plan["filters"]): PlannedDescriptor[] {
  const [first, second] = filters;
  return [
    { fd: descriptorNumbers.control, name: "control" },
    { fd: descriptorNumbers["filter-1"], name: "filter-1", ...(first && { content: first.program }) },
    { fd: descriptorNumbers["filter-2"], name: "filter-2", ...(second && { content: second.program }) },
    { fd: descriptorNumbers.stderr, name: "stderr" },
  ];
}

/** Says exactly how a cell will be started. Throws WC_MOUNT for a folder that cannot be connected. */
export function buildPlan(input: PlanInput): Plan {
  const { settings, facts, session } = input;
  const home = `/sessions/${session.name}`;
  const uid = insideUid(session.name);
  const identity = { uid, gid: uid, user: session.name, home };
  const hostname = "claude";
  const files = planCellFiles(identity, hostname, facts);
  const { all: mounts, folders } = planMounts(
    input,
    home,
    files.map((file) => file.path),
  );
  const certificates = certificateMounts(facts);
  const tools = toolMounts(facts)
    .slice(0, 1)
    .map((mount) => mount.target);
  const filters = buildFilters(facts.arch);
  const draft: Plan = {
    schema: "workcell.plan/1",
    session: session.name,
    cell: session.cell,
    profile: settings.profile.value,
    tier: settings.tier.value,
    tunnel: settings.tunnel.value,
    hostname,
    identity,
    workdir: planWorkdir(settings, folders, home),
    command: input.command,
    mounts,
    environment: planEnvironment({
      settings,
      policy: input.policy,
      facts,
      identity,
      toolFolders: tools,
      inCell: (file) => certificates.get(file)?.target ?? file,
    }),
    files,
    homeFolders: facts.presets.some(({ preset, found }) => preset === "apt" && found)
      ? [".local/state/apt/lists/partial", ".cache/apt/archives/partial"]
      : [],
    descriptors: planDescriptors(filters),
    filters,
    ...(session.uid === undefined ? {} : { root: planRoot(input, session.uid, mounts) }),
    argv: [],
    sockets: {
      folder: `${session.folder}/tmp`,
      http: `claude-http-${session.cell}.sock`,
      socks: `claude-socks-${session.cell}.sock`,
    },
    ...(settings.timeoutMs === undefined ? {} : { timeoutMs: settings.timeoutMs.value }),
    weaker: [],
  };
  const shell = [facts.bash.path, "-p", "-c", tunnelScript, "workcell", session.cell, facts.socat.path];
  return { ...draft, argv: planArgv(draft, facts.bwrap.path, shell) };
}
