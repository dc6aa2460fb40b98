import path from "node:path";
import type { PresetFacts, PresetName } from "../model/index.ts";
import { presetDependencies } from "./presets/dependencies.ts";
import { fingerprint, folderMarks } from "./presets/fingerprint.ts";
import { personEnvironment } from "./presets/person-environment.ts";
import { type Kept, readPresetCache, writePresetCache } from "./presets/preset-cache.ts";
import { isInsideAny, searchedPath, trustedPath, withRealPaths } from "./trusted-path.ts";

/** Which tools are asked, and as whom. */
export interface PresetRequest {
  readonly presets: readonly PresetName[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cacheFolder: string;
  /** False: the answers are not kept; true unless told. */
  readonly keep?: boolean;
  /** Folders whose programs must not run: the working directory, connected folders. */
  readonly exclude?: readonly string[];
  /** For one program, in `ms`; 10 s unless told. */
  readonly timeoutMs?: number;
}

/** Variables that lead git to a repository, or tell any tool where it was called. */
const projectVariables =
  /^(GIT_DIR|GIT_WORK_TREE|GIT_CONFIG|GIT_CONFIG_PARAMETERS|GIT_CONFIG_COUNT|INIT_CWD|PWD|OLDPWD)$/;

interface Question {
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly folders: readonly string[];
  readonly searched: readonly unknown[];
  readonly untrusted: readonly string[];
  readonly timeoutMs: number;
}

function questionOf(request: PresetRequest): Question {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.env)) if (value !== undefined) defined[name] = value;
  const own = Object.entries(personEnvironment(defined, process.ppid));
  const untrusted = withRealPaths(request.exclude ?? []);
  const folders = searchedPath(request.env["PATH"], untrusted);
  return {
    env: Object.fromEntries(own.filter(([name]) => !projectVariables.test(name))),
    home: request.home,
    folders,
    searched: folderMarks(folders),
    untrusted,
    timeoutMs: request.timeoutMs ?? 10_000,
  };
}

/** The digest of all that the tool's answer depends on; `named` are the programs and the files it told itself. */
function digest(preset: PresetName, question: Question, named: readonly string[]): string {
  const { variables, files } = presetDependencies[preset];
  return fingerprint({
    files: [...files(question.env, question.home), ...named],
    searched: question.searched,
    variables: Object.entries(question.env).filter(([name]) => variables.test(name) || name === "HOME"),
  });
}

function isCurrent(preset: PresetName, question: Question, kept: Kept): boolean {
  if (kept.programs.some((program) => isInsideAny(program, question.untrusted))) return false;
  return kept.fingerprint === digest(preset, question, [...kept.programs, ...kept.files]);
}

async function askAnew(preset: PresetName, question: Question): Promise<{ facts: PresetFacts; kept?: Kept }> {
  // Loaded only here: an answer from the cache needs none of it.
  const { askTool } = await import("./presets/ask-tool.ts");
  const before = digest(preset, question, []);
  const folders = trustedPath(question.folders, question.untrusted);
  const answer = await askTool(preset, { ...question, folders });
  if (answer === undefined) return { facts: { preset, found: false, hosts: [], environment: {} } };
  const { facts, programs } = answer;
  const files = answer.files.filter((file) => path.isAbsolute(file));
  // A file that changed while the tool was asked makes the answer one of neither state.
  if (facts.problem !== undefined || digest(preset, question, []) !== before) return { facts };
  return {
    facts,
    kept: { fingerprint: digest(preset, question, [...programs, ...files]), files, programs, facts },
  };
}

/**
 * Asks the host's own tools which hosts they are configured for. Each is asked at `/` and on the person's level
 * only; a project's files are never read. An answer is kept until something it depends on changes.
 */
export async function askPresets(request: PresetRequest): Promise<readonly PresetFacts[]> {
  const question = questionOf(request);
  const file = path.join(request.cacheFolder, "presets.json");
  const cache = readPresetCache(file);
  const fresh: Partial<Record<PresetName, Kept>> = {};
  const facts = await Promise.all(
    request.presets.map(async (preset): Promise<PresetFacts> => {
      const kept = cache[preset];
      if (kept !== undefined && isCurrent(preset, question, kept)) return kept.facts;
      const asked = await askAnew(preset, question);
      if (asked.kept !== undefined) fresh[preset] = asked.kept;
      return asked.facts;
    }),
  );
  if (request.keep !== false && Object.keys(fresh).length > 0) writePresetCache(file, { ...cache, ...fresh });
  return facts;
}
