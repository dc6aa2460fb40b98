import { codeOf } from "../../errors/index.ts";
import type { BytePath, Entry } from "../../model/index.ts";
import { isWithin, joinPath, parentOf } from "../byte-path.ts";
import type { FileFinder, FileRoot, FileServer } from "../file-server.ts";
import { hooksPathOf } from "../git-config.ts";
import { foldedParts, matchProtected } from "../match-protected.ts";
import { pipelinedAll } from "../pipelined.ts";
import { wantedNames } from "./wanted-names.ts";

/** A connected folder that is written to live. */
export interface LivePlace {
  readonly server: FileServer & FileFinder;
  readonly root: FileRoot;
  /** Absolute path on the host. */
  readonly folder: string;
  /** Folders below it that are connected by themselves: they are looked at as such. */
  readonly excluded: readonly BytePath[];
  /** What the person allowed by name. */
  readonly named: readonly BytePath[];
}

/** What stands in protected places, as far as names tell: who judges it says more. */
export interface ProtectedThings {
  /** Folders of which everything is protected, those within others left out. */
  readonly trees: ReadonlyMap<BytePath, Entry>;
  /** Whatever else is protected by itself; what is in the trees is not among it. */
  readonly single: ReadonlyMap<BytePath, Entry>;
  /** False: something could not be looked at. */
  readonly isWhole: boolean;
}

const window = 64;
const mostUnread = 1000;
const mostEntries = 20_000_000;
const headBytes = 64 * 1024;
const byteForm = (text: string): BytePath => Buffer.from(text).toString("latin1");

/**
 * The parts of the folder's own path that count, as protected places may begin above it. Who connects a protected place
 * itself has named it.
 */
export function partsAbove(folder: string): readonly string[] {
  const path = byteForm(folder.replace(/^\/+/, ""));
  const match = matchProtected({ path, executable: false, standsForTree: false, plainFolder: false });
  return match?.rule.class === "refused" ? [] : foldedParts(path);
}

const faultOf = (error: unknown) => (error instanceof Error && codeOf(error.cause)) || "EIO";

async function findAll({ server, root, excluded }: LivePlace, most: number) {
  const entries = new Map<BytePath, Entry>();
  const names = wantedNames();
  const [waiting, asked] = [[""], new Set<BytePath>([""])];
  let isWhole = true;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const found = await server.find({ root, path }, names, most).catch(faultOf);
    if (typeof found === "string") {
      // One that went in between is none; and what is shut against us is shut against the cell, which is no more than we.
      isWhole &&= path !== "" && ["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(found);
      continue;
    }
    isWhole &&= !found.isCut;
    for (const [at, entry] of found.entries)
      if (!excluded.some((inner) => isWithin(at, inner))) entries.set(at, entry);
    for (const unread of found.unread) {
      if (asked.has(unread) || excluded.some((inner) => isWithin(unread, inner))) continue;
      if (asked.size > mostUnread) isWhole = false;
      else waiting.push(unread);
      asked.add(unread);
    }
  }
  return { entries, isWhole };
}

function isRefused(path: BytePath, entry: Entry, above: readonly string[]): boolean {
  const subject = {
    path,
    executable: entry.type === "file" && (entry.mode & 0o111) !== 0,
    standsForTree: entry.type === "symlink",
    plainFolder: false,
  };
  const match = matchProtected(subject, above);
  if (match?.rule.class !== "refused") return false;
  return entry.type !== "directory" || match.rule.pattern.endsWith("/");
}

/** The folder that the repository's own configuration has its hooks in, where that lies in the connected one. */
async function namedHooks({ server, root, folder }: LivePlace): Promise<BytePath | undefined> {
  const config = { root, path: ".git/config" };
  const entry = await server.stat(config);
  if (entry?.type !== "file" || entry.size > headBytes) return undefined;
  const bytes = await server.read(config, 0, headBytes);
  const said = hooksPathOf(Buffer.from(bytes).toString("latin1"));
  if (said === undefined || said.startsWith("~")) return undefined;
  const inside = byteForm(`${folder}/`);
  const path = said.startsWith("/") ? (said.startsWith(inside) ? said.slice(inside.length) : "") : said;
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length === 0 || parts.includes("..") ? undefined : parts.join("/");
}

/** What git reads and runs in folders that are repositories without a `.git`. */
async function ofRepositories(place: LivePlace, entries: ReadonlyMap<BytePath, Entry>) {
  const { server, root } = place;
  const heads = [...entries.keys()].filter((path) => foldedParts(path).at(-1) === "head");
  const folders = heads.map(parentOf).filter((folder) => !foldedParts(folder).includes(".git"));
  const stands = async (folder: BytePath, name: string) =>
    (await server.stat({ root, path: joinPath(folder, name) }).catch(() => undefined)) !== undefined;
  const repositories = await pipelinedAll(new Set(folders), window, async (folder) => {
    const [objects, refs, common] = await Promise.all(
      ["objects", "refs", "commondir"].map((name) => stands(folder, name)),
    );
    return (objects && refs) || common ? [folder] : [];
  });
  const found = new Set(repositories.flat());
  const acting = ["config", "config.worktree", "commondir", "hooks"];
  return [...entries].filter(
    ([path]) => found.has(parentOf(path)) && acting.includes(foldedParts(path).at(-1) ?? ""),
  );
}

/** Everything of the refused class in a folder, links and what only looks like such names included. */
export async function findProtected(place: LivePlace, most = mostEntries): Promise<ProtectedThings> {
  const { server, root, folder } = place;
  const above = partsAbove(folder);
  const { entries, isWhole } = await findAll(place, most);
  const met = [...entries].filter(([path, entry]) => isRefused(path, entry, above));
  met.push(...(await ofRepositories(place, entries)));
  const hooks = await namedHooks(place).catch(() => undefined);
  const hooksEntry = hooks === undefined ? undefined : await server.stat({ root, path: hooks });
  if (hooks !== undefined && hooksEntry !== undefined) met.push([hooks, hooksEntry]);
  const trees = new Map<BytePath, Entry>();
  for (const [path, entry] of met.sort(([one], [other]) => one.length - other.length))
    if (entry.type === "directory" && !isInTree(path, trees)) trees.set(path, entry);
  const single = met.filter(([path, { type }]) => type !== "directory" && !isInTree(path, trees));
  return { trees, single: new Map(single), isWhole };
}

function isInTree(path: BytePath, trees: ReadonlyMap<BytePath, Entry>): boolean {
  for (let at = path; at !== ""; at = parentOf(at)) if (trees.has(at)) return true;
  return false;
}

/** What is in a protected folder: everything but the folders themselves. */
export async function leavesOf({ server, root }: LivePlace, tree: BytePath) {
  const entries = await server.scan({ root, path: tree }).catch(() => []);
  return entries.filter(({ type }) => type !== "directory");
}
