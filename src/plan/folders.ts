import { WorkcellError } from "../errors/index.ts";
import type { HostFacts, Origin, PlannedMount, Policy, Settings } from "../model/index.ts";

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

const isInside = (inner: string, outer: string) =>
  inner === outer || inner.startsWith(outer === "/" ? "/" : `${outer}/`);

function refuse(source: string, origin: Origin, why: string, remedy: string): WorkcellError {
  return new WorkcellError("WC_MOUNT", {
    message: `Cannot connect the folder "${source}" (${origin}): ${why}`,
    remedy,
  });
}

function checkPlace(rule: Policy["folders"][number], facts: HostFacts, records: string): void {
  const { source, origin } = rule;
  const narrower = "Name the folder that the work is in, e.g. -m ~/project:rw";
  if (system.includes(source)) throw refuse(source, origin, "it belongs to the system", narrower);
  if (source === facts.home) throw refuse(source, origin, "it is your whole home", narrower);
  if (isInside(records, source))
    throw refuse(source, origin, `Workcell's own records are in it (${records})`, narrower);
  if (/[\n\0]/.test(source)) throw refuse(source, origin, "its path has a line break", "Rename the folder");
}

interface FoldersInput {
  readonly settings: Settings;
  readonly policy: Policy;
  readonly facts: HostFacts;
  readonly home: string;
  /** Workcell's state folder, which no cell may reach. */
  readonly records: string;
}

/** Connected folders in the order in which they were named: in `cowork` below the home, else at their own path. */
export function planFolders(input: FoldersInput): PlannedMount[] {
  const { policy, facts, home } = input;
  const targets = new Map<string, Origin>();
  return policy.folders.map((rule) => {
    checkPlace(rule, facts, input.records);
    const target = input.settings.profile.value === "cowork" ? `${home}/mnt/${rule.name}` : rule.source;
    const earlier = targets.get(target);
    if (earlier !== undefined) {
      throw refuse(
        rule.source,
        rule.origin,
        `"${target}" is taken already (${earlier})`,
        "Give one of them another name: -m DIR:NAME:rw",
      );
    }
    targets.set(target, rule.origin);
    const owner = Object.values(facts.folders).find((folder) => folder.realPath === rule.source);
    return {
      kind: rule.mode === "ro" ? "ro-bind" : "bind",
      target,
      source: rule.source,
      ...(owner === undefined ? {} : { owner: { uid: owner.uid, gid: owner.gid } }),
      reason: `connected ${rule.mode} (${rule.origin})`,
    };
  });
}

/** Where the command starts: `-w`, else the first connected folder; in `cowork` the home, as in the reference. */
export function planWorkdir(settings: Settings, folders: readonly PlannedMount[], home: string): string {
  const first = settings.profile.value === "cowork" ? home : (folders[0]?.target ?? home);
  const asked = settings.workdir?.value;
  if (asked === undefined) return first;
  return asked.startsWith("/") ? asked : `${first}/${asked}`;
}
