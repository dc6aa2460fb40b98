import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { cacheFolder } from "../lib/xdg-folders.ts";
import type { HostFacts, MountMode, Policy, Settings } from "../model/index.ts";
import { caVariables, optionalPaths, planFolders } from "../plan/index.ts";
import { buildPolicy } from "../policy/index.ts";
import { probeHost } from "../probe/index.ts";
import { defaultLimits, readSettings } from "../settings/index.ts";
import type { RunRequest } from "./request.ts";
import type { HeldRoutes } from "./routes/hold-routes.ts";

/** What a run is, before anything is started or written. */
export interface Decided {
  readonly settings: Settings;
  readonly facts: HostFacts;
  readonly policy: Policy;
  /** Absent: there is no route. */
  readonly held?: HeldRoutes;
}

export type DecideRequest = Omit<RunRequest, "command" | "stdio"> & {
  /** False: what the host's tools answer is not kept for the next time. */
  readonly keepAnswers?: boolean;
};

/** settings -> policy -> facts. Writes nothing but the cache of what the host's tools answered. */
export async function decide(request: DecideRequest): Promise<Decided> {
  const { env, cwd, home } = request;
  const { settings: found, notices } = await readSettings(request);
  for (const notice of notices) request.onNotice?.(notice);
  const { settings, ...held } = await withRoutes(found, request);
  const native = (name: string) => path.join(request.installation, "native", name);
  const questions = {
    env,
    cwd,
    home,
    cellhost: native("cellhost"),
    cellinit: native("cellinit"),
    mounts: settings.mounts,
    caVariables,
    paths: optionalPaths,
    cpus: settings.cpus?.value ?? defaultLimits(settings.profile.value).cpus,
  };
  const facts = await withRuledPaths(settings, probeHost({ ...questions, presets: [] }));
  const policy = checkedPolicy(settings, facts);
  for (const { value } of settings.mounts) {
    const real = facts.folders[value.source]?.realPath;
    if (real !== undefined && real !== path.resolve(cwd, value.source))
      request.onNotice?.(`"${value.source}" leads through a link: the folder that is connected is "${real}"`);
  }
  if (settings.presets.length === 0) return { settings, facts, policy, ...held };
  // Tools of the host are asked only when nothing else stands in the way.
  const again = probeHost({ ...questions, presets: await askHost(settings, request) });
  const asked = await withRuledPaths(settings, again);
  return { settings, facts: asked, policy: checkedPolicy(settings, asked), ...held };
}

/** With the routes of the request, and who gives their credentials, where there are any. */
async function withRoutes(
  settings: Settings,
  request: DecideRequest,
): Promise<{ readonly settings: Settings; readonly held?: HeldRoutes }> {
  if (settings.routes === undefined && request.routes === undefined) return { settings };
  const { holdRoutes } = await import("./routes/hold-routes.ts");
  return holdRoutes(settings, request);
}

/** With what path rules are about, where there are any. */
async function withRuledPaths({ pathRules }: Settings, facts: HostFacts): Promise<HostFacts> {
  if (pathRules === undefined) return facts;
  const { findRuledPaths } = await import("../probe/index.ts");
  const connected = Object.values(facts.folders).map(({ realPath }) => realPath);
  const system = ["/etc", ...facts.rootFolders.map((name) => `/${name}`)];
  return { ...facts, ...findRuledPaths(pathRules, [...connected, ...system]) };
}

/** The policy, once the plan would take its folders: by then there would be a session to take away again. */
function checkedPolicy(settings: Settings, facts: HostFacts): Policy {
  const policy = buildPolicy(settings, facts);
  checkFolders({ settings, policy, facts });
  return policy;
}

const checkFolders = (decided: Pick<Decided, "settings" | "policy" | "facts">) =>
  planFolders({ ...decided, home: "/sessions/unnamed", ...decided.facts.own });

/** Why a run would refuse to connect one folder more, by its own check; undefined: it would not. */
export function whyNotConnected(decided: Decided, source: string, mode: MountMode): string | undefined {
  const { policy } = decided;
  const others = policy.folders.filter((folder) => folder.source !== source);
  const rule = { source, mode, name: source, origin: "asked" };
  try {
    checkFolders({ ...decided, policy: { ...policy, folders: [...others, rule] } });
    return undefined;
  } catch (error) {
    if (codeOf(error) !== "WC_MOUNT" || !(error instanceof WorkcellError)) throw error;
    return String(error.details["why"] ?? error.message);
  }
}

async function askHost(settings: Settings, request: DecideRequest) {
  const { askPresets } = await import("../probe/index.ts");
  const { env, home } = request;
  return askPresets({
    presets: settings.presets.map((preset) => preset.value),
    env,
    home,
    cacheFolder: cacheFolder(env, home),
    keep: request.keepAnswers ?? true,
    exclude: writableFolders(settings, request),
  });
}

/**
 * What this cell may write to, and where the person works, which an earlier one may have been connected to. A home
 * is never connected as a whole, and holds the tools of version managers.
 */
function writableFolders(settings: Settings, { cwd, home }: Pick<RunRequest, "cwd" | "home">): string[] {
  const connected = settings.mounts.map(({ value }) => path.resolve(cwd, value.source));
  return cwd === home ? connected : [cwd, ...connected];
}
