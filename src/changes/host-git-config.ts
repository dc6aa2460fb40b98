import type { BytePath, Change } from "../model/index.ts";
import { isWithin, joinPath, partsOf } from "./byte-path.ts";
import { hooksPathOf, includesOf } from "./git-config.ts";
import { headBytes, headOf } from "./head-of.ts";
import { below } from "./inert-files.ts";
import type { FactsInput } from "./judging-facts.ts";

const mostConfigs = 16;
const mostLinks = 16;

/** What the host's own repository takes from the folder, by its configuration: hooks, and more of configuration. */
export async function namedByHost(input: FactsInput): Promise<ReadonlyMap<BytePath, string>> {
  const refused = new Map<BytePath, string>();
  const waiting: BytePath[] = [".git/config", ".git/config.worktree"];
  const read = new Set<BytePath>();
  for (let path = waiting.shift(); path !== undefined && read.size < mostConfigs; path = waiting.shift()) {
    if (read.has(path)) continue;
    read.add(path);
    const entry = await input.server.stat({ root: input.folder, path });
    if (entry?.type !== "file" || entry.size > headBytes) continue;
    const text = await headOf(input.server, input.folder, path);
    const hooks = hooksPathOf(text);
    if (hooks !== undefined) await refuse(hooks, "", `git runs it: core.hooksPath is "${hooks}"`);
    for (const included of includesOf(text)) {
      const above = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
      waiting.push(...(await refuse(included, above, `git's configuration includes "${included}"`)));
    }
  }
  return refused;

  async function refuse(said: string, from: BytePath, reason: string): Promise<readonly BytePath[]> {
    const places = await placesOf(input, said, from);
    for (const change of input.changes)
      if (places.some((place) => reaches(change, place))) refused.set(change.path, reason);
    return places;
  }
}

/** Whether a change is of the place, or puts something else where the way to it leads. */
function reaches({ path, after }: Change, place: BytePath): boolean {
  if (isWithin(path, place)) return after?.type !== "directory";
  return isWithin(place, path) && after?.type !== "directory";
}

/** The place that a configuration names, as it says it and where the host's links lead; none: outside of the folder. */
async function placesOf(input: FactsInput, said: string, from: BytePath): Promise<readonly BytePath[]> {
  const places: BytePath[] = [];
  let parts = partsBelow(said, from, input.folderPath);
  for (let links = 0; links <= mostLinks && parts !== undefined && parts.length > 0; links++) {
    places.push(parts.join("/"));
    parts = await throughLink(input, parts);
  }
  return places;
}

async function throughLink(
  input: FactsInput,
  parts: readonly string[],
): Promise<readonly string[] | undefined> {
  for (const index of parts.keys()) {
    const path = parts.slice(0, index + 1).join("/");
    const entry = await input.server.stat({ root: input.folder, path }).catch(() => undefined);
    if (entry?.type !== "symlink" || entry.target === undefined) continue;
    const rest = joinPath(entry.target, parts.slice(index + 1).join("/"));
    return partsBelow(rest, parts.slice(0, index).join("/"), input.folderPath);
  }
  return undefined;
}

function partsBelow(
  said: BytePath,
  from: BytePath,
  folderPath: string | undefined,
): readonly string[] | undefined {
  const path = said.startsWith("/") ? below(said, folderPath) : said;
  if (path === undefined || said.startsWith("~")) return undefined;
  const parts: string[] = said.startsWith("/") ? [] : [...partsOf(from)];
  for (const part of path.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}
