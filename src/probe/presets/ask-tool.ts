import type { PresetFacts, PresetName, Tool } from "../../model/index.ts";
import { findTool } from "../find-tool.ts";
import { runProgram } from "../run-program.ts";
import type { Asked, Preset, PresetAnswer } from "./answer.ts";
import { apt } from "./apt.ts";
import { git } from "./git.ts";
import { npm } from "./npm.ts";
import { pip } from "./pip.ts";

const presets: Readonly<Record<PresetName, Preset>> = { npm, pip, apt, git };

/** How tools are found and run. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  /** Folders of PATH that are trusted. */
  readonly folders: readonly string[];
  readonly untrusted: readonly string[];
  /** For one program, in `ms`. */
  readonly timeoutMs: number;
}

type Tools = Readonly<Record<string, Tool>>;

function toolsOf(preset: Preset, { folders, untrusted }: Surroundings): Tools {
  const tools: Record<string, Tool> = {};
  for (const names of preset.programs) {
    const found = names.map((name) => findTool(name, folders, untrusted)).find((tool) => tool !== undefined);
    if (found !== undefined) tools[names[0]] = found;
  }
  return tools;
}

async function run(tools: Tools, around: Surroundings, words: readonly string[]): Promise<Asked> {
  const [name = "", ...args] = words;
  const tool = tools[name];
  const asked = `"${words.slice(0, 3).join(" ")}"`;
  if (tool === undefined) return { ok: false, stdout: "", problem: `${asked}: ${name} is not on PATH` };
  const env = { ...around.env, HOME: around.home, PATH: around.folders.join(":"), LC_ALL: "C" };
  const result = await runProgram({ program: tool.path, args, env, timeoutMs: around.timeoutMs });
  const end = result.failure ?? result.signal ?? `exit code ${result.code}`;
  const how = result.timedOut ? `no answer within ${around.timeoutMs} ms` : `ended with ${end}`;
  return { ok: result.code === 0 && !result.timedOut, stdout: result.stdout, problem: `${asked}: ${how}` };
}

function factsOf(preset: PresetName, answer: PresetAnswer): PresetFacts {
  const { hosts, environment, proxy, problem } = answer;
  return {
    preset,
    found: true,
    hosts,
    environment,
    ...(proxy === undefined ? {} : { proxy }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** An answer with what it came from. */
export interface ToolAnswer {
  readonly facts: PresetFacts;
  /** Files that were read, named by the tool. */
  readonly files: readonly string[];
  /** The programs under both their names. */
  readonly programs: readonly string[];
}

/** Asks the tool of one preset; undefined when the host has none. */
export async function askTool(name: PresetName, around: Surroundings): Promise<ToolAnswer | undefined> {
  const preset = presets[name];
  const tools = toolsOf(preset, around);
  const first = tools[preset.programs[0]?.[0] ?? ""];
  if (first === undefined) return undefined;
  const answer = await preset.ask({
    home: around.home,
    realPath: first.realPath,
    ask: (program, args) => run(tools, around, [program, ...args]),
  });
  const programs = Object.values(tools).flatMap((tool) => [tool.path, tool.realPath]);
  return { facts: factsOf(name, answer), files: answer.files, programs };
}
