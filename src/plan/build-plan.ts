import { isInside } from "../lib/is-inside.ts";
import type {
  CommandKit,
  Filter,
  HostFacts,
  Plan,
  PlannedDescriptor,
  PlannedFile,
  PlannedMount,
  Policy,
  SessionFacts,
  Settings,
} from "../model/index.ts";
import { descriptorNumbers, planArgv, sealArguments } from "./argv.ts";
import { planCellFiles } from "./cell-files.ts";
import { coverPaths, HIDDEN_FILE } from "./covers.ts";
import { planEnvironment } from "./environment.ts";
import { nestFolders, planFolders, planWorkdir } from "./folders.ts";
import { planLayers } from "./layers.ts";
import { planLimitedViews } from "./limited-views.ts";
import { planLimits } from "./limits.ts";
import { cellinitMount, certificateMounts, homeToolMounts, kitMounts, toolMounts } from "./outside-tools.ts";
import { planProtectedCovers } from "./protected-covers.ts";
import { planRoot } from "./root-plan.ts";
import { planSeal } from "./seal.ts";
import { cellFilters } from "./seccomp/cell-filters.ts";
import { planPackageSources, planSystemView } from "./system-view.ts";
import { tunnelScript } from "./tunnel-script.ts";

const HOSTNAME = "claude";

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
  /** Compiled for this cell, where its settings want others than every cell has. */
  readonly filters?: readonly Filter[];
  /** Give the command a terminal of its own. */
  readonly terminal?: boolean;
  /** What the command brings; absent: nothing but its words. */
  readonly kit?: CommandKit;
}

/** Uid inside: stable for a session's name, small enough for every archive format. */
function insideUid(name: string): number {
  let hash = 2166136261;
  for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619) >>> 0;
  return 10_000 + (hash % 50_000);
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

function planMounts(
  input: PlanInput,
  home: string,
  files: { readonly names: readonly string[]; readonly views: readonly PlannedMount[] },
): { all: PlannedMount[]; folders: PlannedMount[] } {
  const { facts, session } = input;
  const { layers, covers = [] } = session;
  const folders = planFolders({ ...input, home, ...(layers && { layers }) });
  const covered = coverPaths(
    {
      system: [
        ...planSystemView(facts, files.names, cellFolderOf(session)),
        ...files.views,
        ...certificateMounts(facts).values(),
        ...planPackageSources(facts),
        ...toolMounts(facts),
        ...homeToolMounts(facts, input.records),
        ...sessionMounts(session, home),
      ],
      folders: nestFolders(folders),
    },
    { rules: facts.ruledPaths ?? [], cellFolder: cellFolderOf(session) },
  );
  const brought = kitMounts(input.kit);
  // What lies below what the command brings is out of its reach already, and cannot be seen to be itself.
  const isReached = ({ target }: PlannedMount) => !brought.some((mount) => isInside(target, mount.target));
  const all: PlannedMount[] = [
    ...covered.system,
    ...covered.folders,
    ...planProtectedCovers(folders, covers, facts.ruledPaths ?? []).filter(isReached),
    // SECURITY(P8): after all that an earlier command could have laid links in the way of, or it would supply this.
    cellinitMount(facts),
    ...brought,
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
    { fd: descriptorNumbers.channel, name: "channel" },
    { fd: descriptorNumbers["filter-1"], name: "filter-1", ...(first && { content: first.program }) },
    { fd: descriptorNumbers["filter-2"], name: "filter-2", ...(second && { content: second.program }) },
    { fd: descriptorNumbers.stderr, name: "stderr" },
  ];
}

/** What runs inside bwrap up to the command's own words: the reference's shell and forwarders, or cellinit alone. */
function planInside(draft: Plan, facts: HostFacts): string[] {
  if (draft.tunnel === "direct") return sealArguments("init", draft);
  const terminal = draft.terminal ? "yes" : "no";
  const names = ["workcell", draft.cell, facts.socat.path, terminal];
  const shell = [facts.bash.path, "-p", "-c", tunnelScript, ...names];
  return [...shell, ...sealArguments("seal", draft)];
}

function planIdentity(name: string): Plan["identity"] {
  const uid = insideUid(name);
  return { uid, gid: uid, user: name, home: `/sessions/${name}` };
}

/** apt makes no folders of its own. */
function planHomeFolders(facts: HostFacts): string[] {
  const apt = facts.presets.some(({ preset, found }) => preset === "apt" && found);
  return apt ? [".local/state/apt/lists/partial", ".cache/apt/archives/partial"] : [];
}

function planVariables(input: PlanInput, identity: Plan["identity"]): Plan["environment"] {
  const { settings, policy, facts } = input;
  const certificates = certificateMounts(facts);
  const [tools] = toolMounts(facts);
  return planEnvironment({
    settings,
    policy,
    facts,
    identity,
    toolFolders: tools === undefined ? [] : [tools.target],
    ...(input.kit && { kit: input.kit }),
    inCell: (file) => certificates.get(file)?.target ?? file,
  });
}

/** What stands for a file that may not be read. */
function hiddenFile({ ruledPaths = [] }: HostFacts): PlannedFile[] {
  return ruledPaths.some(({ effect, isFolder }) => effect === "hide" && !isFolder)
    ? [{ path: HIDDEN_FILE, content: "" }]
    : [];
}

const cellFolderOf = (session: SessionFacts) => `${session.folder}/cells/${session.cell}`;

/** Says exactly how a cell will be started. Throws WC_MOUNT for a folder that cannot be connected. */
export function buildPlan(input: PlanInput): Plan {
  const { settings, facts, session } = input;
  const identity = planIdentity(session.name);
  const files = planCellFiles(identity, HOSTNAME, facts);
  const names = files.map((file) => file.path);
  const loopDisk = session.ownDisk === true;
  const { limits, weaker } = planLimits({ settings, facts: facts.limits, seed: session.cell, loopDisk });
  const views = planLimitedViews(limits, facts.limits, cellFolderOf(session));
  const { all: mounts, folders } = planMounts(input, identity.home, { names, views: views.mounts });
  const layers = planLayers(session, facts, folders);
  const filters = input.filters ?? cellFilters({ arch: facts.arch, tunnel: settings.tunnel.value });
  const draft: Plan = {
    schema: "workcell.plan/1",
    session: session.name,
    cell: session.cell,
    profile: settings.profile.value,
    tier: settings.tier.value,
    tunnel: settings.tunnel.value,
    arch: facts.arch,
    hostname: HOSTNAME,
    identity,
    workdir: planWorkdir(settings, folders, identity.home),
    terminal: input.terminal ?? false,
    command: input.command,
    mounts,
    environment: planVariables(input, identity),
    files: [...files, ...views.files, ...hiddenFile(facts)],
    homeFolders: planHomeFolders(facts),
    descriptors: planDescriptors(filters),
    filters,
    ...(settings.refuseUnixSockets && { refusesUnixSockets: true }),
    seal: planSeal({ home: identity.home, folders, limits, waive: settings.waive ?? [] }),
    limits,
    cellhost: facts.cellhost,
    ...(settings.tunnel.value === "direct" && { execSocket: `${cellFolderOf(session)}/exec` }),
    ...(session.uid === undefined
      ? {}
      : {
          root: planRoot(session.uid, {
            session,
            mounts,
            bwrap: facts.bwrap.realPath,
            isLayered: layers !== undefined,
          }),
        }),
    ...(layers === undefined ? {} : { layers }),
    argv: [],
    sockets: {
      folder: `${session.folder}/tmp`,
      http: `claude-http-${session.cell}.sock`,
      socks: `claude-socks-${session.cell}.sock`,
    },
    ...(settings.timeoutMs === undefined ? {} : { timeoutMs: settings.timeoutMs.value }),
    weaker,
  };
  return { ...draft, argv: planArgv(draft, facts.bwrap.path, planInside(draft, facts)) };
}
