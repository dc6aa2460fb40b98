import { WorkcellError } from "../errors/index.ts";
import { isInside } from "../lib/is-inside.ts";
import { printable } from "../lib/printable.ts";
import type {
  FolderRule,
  HostFacts,
  Origin,
  PlannedMount,
  Policy,
  SessionLayer,
  Settings,
} from "../model/index.ts";

/** Folders that no cell may be connected to: the system itself, and what the kernel shows. */
const system = [
  "/",
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/lib",
  "/lib64",
  "/proc",
  "/run",
  "/sbin",
  "/sys",
  "/usr",
  "/var",
];

function refuse(source: string, origin: Origin, why: string, remedy: string): WorkcellError {
  return new WorkcellError("WC_MOUNT", {
    message: `Cannot connect the folder "${printable(source)}" (${origin}): ${why}`,
    remedy,
    details: { why },
  });
}

/** True: the cell works on the folder merged with a layer of its session's. */
export const isLayered = ({ mode }: Pick<FolderRule, "mode">) => mode === "review" || mode === "auto";

/** What of Workcell's own a cell would get at in a folder, if it may not. */
function ownIn({ source, mode }: FolderRule, { facts, records, steering }: FoldersInput): string | undefined {
  const meets = (own: string) => isInside(own, source) || isInside(source, own);
  if (meets(records)) return `Workcell's own records are there (${records})`;
  if (mode === "ro") return undefined;
  // SECURITY(P7): what runs on the host, and what decides for later cells, is not a cell's to write.
  const steers = steering.find(meets);
  if (steers !== undefined) return `Workcell's own settings are there (${steers})`;
  return isInside(facts.cellhost, source) ? `Workcell itself is there (${facts.cellhost})` : undefined;
}

function checkPlace(rule: FolderRule, input: FoldersInput): void {
  const { facts } = input;
  const { source, origin } = rule;
  const narrower = "Name the folder that the work is in, e.g. -m ~/project";
  if (system.includes(source)) throw refuse(source, origin, "it belongs to the system", narrower);
  if (isInside(source, "/proc") || isInside(source, "/sys"))
    throw refuse(source, origin, "it is the kernel's", narrower);
  if (isInside(facts.home, source)) throw refuse(source, origin, "your whole home is in it", narrower);
  const own = ownIn(rule, input);
  if (own !== undefined) throw refuse(source, origin, own, narrower);
  // Records, listings and the terminal show paths, one a line.
  if (/\p{Cc}/u.test(source)) {
    throw refuse(source, origin, "its path has a control character", "Rename the folder: mv -- OLD NEW");
  }
}

/** What is mounted below would not be there, and its mount point would look empty. */
function checkMounted({ source, origin, mode }: FolderRule, facts: HostFacts): void {
  const found = Object.values(facts.folders).find((folder) => folder.realPath === source);
  const [first] = found?.mountedBelow ?? [];
  if (first === undefined) return;
  throw refuse(
    source,
    origin,
    `"${printable(first)}" is mounted in it, and the mode ${mode} cannot show what is`,
    `Connect it live or read-only, or a folder without mounts: -m ${source}:rw`,
  );
}

interface FoldersInput {
  readonly settings: Settings;
  readonly policy: Policy;
  readonly facts: HostFacts;
  readonly home: string;
  /** Workcell's state folder, which no cell may reach. */
  readonly records: string;
  /** Its settings and its cache, which no cell may write to. */
  readonly steering: readonly string[];
  /** The session's layers for these folders; absent: they are only thought of. */
  readonly layers?: readonly SessionLayer[];
}

/** Name of a folder and its layer merged; the number is the session's, so that its cells find each other's. */
export const mergedName = (number: number) => `merged-${number}`;

function planLayer(rule: FolderRule, index: number, layers: FoldersInput["layers"]) {
  if (!isLayered(rule)) return { reason: `connected ${rule.mode} (${rule.origin})` };
  const layer = layers?.find(({ source }) => source === rule.source);
  const number = layer?.number ?? index + 1;
  if (layer?.copy !== undefined) {
    const reason = `connected ${rule.mode} (${rule.origin}): a copy, for it cannot be merged with the session's layers/${number} here`;
    return { merged: mergedName(number), copy: layer.copy, reason };
  }
  return {
    merged: mergedName(number),
    reason: `connected ${rule.mode} (${rule.origin}): what changes goes to the session's layers/${number}`,
  };
}

/**
 * One real place may have two names, but not two modes and not one target: which of them counts would depend on
 * the order in which they were named.
 */
function checkTwice(rule: FolderRule, target: string, earlier: ReadonlyMap<string, FolderRule>): void {
  const { source, origin, mode } = rule;
  const taken = earlier.get(target);
  if (taken !== undefined) {
    const remedy =
      taken.source === source
        ? "Name the folder once"
        : `Give one of them another name: -m ${source}:OTHER-NAME:${mode}`;
    throw refuse(source, origin, `"${target}" is taken already (${taken.origin})`, remedy);
  }
  const other = [...earlier.values()].find((one) => one.source === source && one.mode !== mode);
  if (other === undefined) return;
  const remedy = "Name the folder once, with the mode that is meant";
  throw refuse(source, origin, `it is connected ${other.mode} already (${other.origin})`, remedy);
}

/** Connected folders in the order in which they were named: in `cowork` below the home, else at their own path. */
export function planFolders(input: FoldersInput): PlannedMount[] {
  const { policy, facts, home } = input;
  const earlier = new Map<string, FolderRule>();
  return policy.folders.map((rule, index) => {
    checkPlace(rule, input);
    checkMounted(rule, facts);
    const target = input.settings.profile.value === "cowork" ? `${home}/mnt/${rule.name}` : rule.source;
    if (target === "/tmp" || isInside(home, target)) {
      const remedy = "Name a folder in it, or choose --profile cowork, which connects folders below the home";
      throw refuse(rule.source, rule.origin, `it would hide the cell's own "${target}"`, remedy);
    }
    checkTwice(rule, target, earlier);
    earlier.set(target, rule);
    const found = Object.values(facts.folders).find((folder) => folder.realPath === rule.source);
    return {
      kind: rule.mode === "ro" ? "ro-bind" : "bind",
      target,
      source: rule.source,
      ...(found && {
        owner: { uid: found.uid, gid: found.gid },
        identity: { device: found.device, inode: found.inode },
      }),
      ...planLayer(rule, index, input.layers),
    };
  });
}

const wayOf = ({ kind, merged }: PlannedMount) =>
  kind === "ro-bind" ? "ro" : merged === undefined ? "rw" : "layer";

/** Whether what is connected by its own name must be that, too, where it is seen through a folder around it. */
function mustCover(inner: PlannedMount, outer: PlannedMount): boolean {
  if (outer === inner || outer.kind !== "bind" || !isInside(inner.source ?? "", outer.source ?? ""))
    return false;
  // Each layer is of its own folder: what is written to the inner one must not end in that of the outer.
  return wayOf(outer) === "layer" || wayOf(inner) !== wayOf(outer);
}

/**
 * Connected folders in the order in which they are mounted. An outer one first, or it would hide the inner; and what
 * is read-only, live or layered by its own name stays so where it is seen through an outer folder that may be written to.
 */
export function nestFolders(folders: readonly PlannedMount[]): PlannedMount[] {
  const covers = folders.flatMap((inner) =>
    folders
      .filter((outer) => mustCover(inner, outer))
      .map((outer) => ({
        ...inner,
        target: outer.target + (inner.source ?? "").slice((outer.source ?? "").length),
      })),
  );
  const named = new Set(folders.map(({ target }) => target));
  const all = [...folders, ...covers.filter(({ target }) => !named.has(target))];
  return all.sort((one, other) => one.target.length - other.target.length);
}

/** Where the command starts: `-w`, else the first connected folder; in `cowork` the home, as in the reference. */
export function planWorkdir(settings: Settings, folders: readonly PlannedMount[], home: string): string {
  const first = settings.profile.value === "cowork" ? home : (folders[0]?.target ?? home);
  const asked = settings.workdir?.value;
  if (asked === undefined) return first;
  return asked.startsWith("/") ? asked : `${first}/${asked}`;
}
