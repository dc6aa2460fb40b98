import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { posix } from "node:path";
import type { BytePath } from "../model/index.ts";
import { type GitNamed, namedByGitConfig } from "./git-settings.ts";

/** What configurations that lie outside of a connected folder make git take from it. */
export interface GitOutside {
  /** Said by the person's and the machine's own: it counts in whatever repository git works in. */
  readonly own: readonly GitNamed[];
  /** Said by the repository that the folder is a part of; its top, seen from the folder. */
  readonly above?: { readonly named: readonly GitNamed[]; readonly workFolder: BytePath };
}

const mostConfigs = 64;
const mostBytes = 1 << 20;

const bytesIn = (text: string): BytePath => Buffer.from(text).toString("latin1");

/** Nothing where no file is that could be read: these are the person's own, and git says what is wrong with them. */
function textAt(place: BytePath): string {
  const file = Buffer.from(place, "latin1");
  try {
    const found = statSync(file);
    return found.isFile() && found.size <= mostBytes ? readFileSync(file, "latin1") : "";
  } catch {
    return "";
  }
}

function isFolder(place: BytePath): boolean {
  try {
    return statSync(Buffer.from(place, "latin1")).isDirectory();
  } catch {
    return false;
  }
}

const wholeOf = (said: BytePath, from: BytePath): BytePath =>
  posix.resolve(from, said.startsWith("~/") ? `${bytesIn(homedir())}${said.slice(1)}` : said);

/** What these and whatever they include name; what is included is said by its absolute path. */
function namedIn(files: readonly BytePath[]): readonly GitNamed[] {
  const waiting = [...files];
  const read = new Set<BytePath>();
  const all: GitNamed[] = [];
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (read.has(file) || read.size >= mostConfigs) continue;
    read.add(file);
    for (const named of namedByGitConfig(textAt(file))) {
      if (named.kind === "worktree") continue;
      if (named.kind !== "include") {
        all.push(named);
        continue;
      }
      const said = wholeOf(named.said, posix.dirname(file));
      all.push({ ...named, said });
      waiting.push(said);
    }
  }
  return all;
}

function ownFiles(env: Readonly<Record<string, string | undefined>>): readonly BytePath[] {
  const { GIT_CONFIG_GLOBAL: instead, XDG_CONFIG_HOME: xdg = "" } = env;
  const home = homedir();
  const usual = [`${xdg === "" ? `${home}/.config` : xdg}/git/config`, `${home}/.gitconfig`];
  return ["/etc/gitconfig", ...(instead === undefined ? usual : [instead])].map(bytesIn);
}

/** Where a `.git` leads: a folder is it, a file says it. */
function gitFolderAt(top: BytePath): BytePath | undefined {
  const place = posix.join(top, ".git");
  if (isFolder(place)) return place;
  const [, said] = /^gitdir: *([^\n]+)/.exec(textAt(place)) ?? [];
  return said === undefined ? undefined : wholeOf(said.trimEnd(), top);
}

/** The nearest repository at or above a folder, unless it lies in it: then it is found there. */
function repositoryAbove(folder: BytePath): GitOutside["above"] {
  let workFolder = "";
  for (let top = folder; ; top = posix.dirname(top), workFolder = posix.join("..", workFolder)) {
    const gitFolder = gitFolderAt(top);
    if (gitFolder !== undefined) {
      if (gitFolder.startsWith(`${folder}/`)) return undefined;
      const [, said = "."] = /^([^\n]+)/.exec(textAt(`${gitFolder}/commondir`)) ?? [];
      const files = [`${wholeOf(said, gitFolder)}/config`, `${gitFolder}/config.worktree`];
      return { named: namedIn(files), workFolder: workFolder.replace(/\/$/, "") };
    }
    if (top === "/") return undefined;
  }
}

/** Reads what the host's git is told outside of a folder, by whoever runs Workcell. */
export function gitOutside(folderPath: string, env = process.env): GitOutside {
  const above = repositoryAbove(bytesIn(folderPath));
  return { own: namedIn(ownFiles(env)), ...(above !== undefined && { above }) };
}
