import { readdirSync, realpathSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { readBoundedFile } from "../../lib/read-bounded-file.ts";

const FILE_LIMIT = 40_000;
const READ_LIMIT = 4 * 1024 * 1024;

/** Whose files of advice are taken: the person's own, and those of the folder that is worked on. */
export type Source = "user" | "project";

export interface Skill {
  readonly name: string;
  readonly description: string;
  readonly file: string;
}

/** What others wrote for agents to know. It is text for the model, and nothing of it is run. */
export interface ProjectContext {
  readonly files: readonly { readonly file: string; readonly text: string }[];
  readonly skills: readonly Skill[];
}

/** Reads CLAUDE.md and AGENTS.md of the home, the folder and those above it, and the skills beside them. */
export function readContext(how: {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly sources: readonly Source[];
  readonly pluginFolders: readonly string[];
}): ProjectContext {
  const home = how.env["HOME"] ?? os.homedir();
  const own = path.join(how.env["CLAUDE_CONFIG_DIR"] ?? path.join(home, ".claude"));
  const above = how.sources.includes("project") ? foldersDownTo(how.cwd) : [];
  const named = [
    ...(how.sources.includes("user") ? [path.join(own, "CLAUDE.md")] : []),
    ...above.flatMap((folder) => ["CLAUDE.md", "AGENTS.md"].map((name) => path.join(folder, name))),
  ];
  const skillFolders = [
    ...(how.sources.includes("user") ? [path.join(own, "skills")] : []),
    ...above.map((folder) => path.join(folder, ".claude/skills")),
    ...how.pluginFolders.map((folder) => path.join(folder, "skills")),
  ];
  const files = named.flatMap((file) => {
    const text = boundedText(file);
    return text === undefined ? [] : [{ file, text }];
  });
  // One is often a link to the other.
  const once = files.filter(({ text }, index) => files.findIndex((other) => other.text === text) === index);
  return { files: once, skills: skillFolders.flatMap(readSkills) };
}

function foldersDownTo(folder: string): string[] {
  const parent = path.dirname(folder);
  return parent === folder ? [folder] : [...foldersDownTo(parent), folder];
}

function boundedText(file: string): string | undefined {
  try {
    // A pipe that nobody writes to would be waited for; links are followed before.
    const place = realpathSync(file);
    const text = readBoundedFile(place, { limitBytes: READ_LIMIT, plainFile: true })?.toString();
    if (text === undefined || text.length <= FILE_LIMIT) return text;
    return `${text.slice(0, FILE_LIMIT)}\n[${text.length - FILE_LIMIT} more characters in ${file}]`;
  } catch {
    // Such a file is offered and not asked for.
    return undefined;
  }
}

function readSkills(folder: string): Skill[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    // Likewise: a link that leads to itself must not keep the agent from its work.
    return [];
  }
  return names.sort().flatMap((name) => {
    const file = path.join(folder, name, "SKILL.md");
    const text = boundedText(file);
    if (text === undefined) return [];
    const [, head = ""] = /^---\r?\n(.*?)\r?\n---/s.exec(text) ?? [];
    const field = (key: string) =>
      new RegExp(`^${key}:\\s*(.+)$`, "m")
        .exec(head)?.[1]
        ?.replace(/^["']|["']$/g, "")
        .trim();
    return [{ name: field("name") ?? name, description: (field("description") ?? "").slice(0, 1000), file }];
  });
}
