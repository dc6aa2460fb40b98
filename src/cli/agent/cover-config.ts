import { lstatSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { AgentDriver } from "../../agent/index.ts";
import { dataFolder } from "../../lib/xdg-folders.ts";
import type { KitFile, Settings } from "../../model/index.ts";
import type { CommandContext } from "../command.ts";

/** Folders from the one where the work begins up to the connected one; the latter alone where it lies elsewhere. */
function foldersIn(root: string, workdir: string): readonly string[] {
  const inside = path.relative(root, workdir);
  if (inside === "" || inside.startsWith("..") || path.isAbsolute(inside)) return [root];
  const parts = inside.split(path.sep);
  return [root, ...parts.map((_, at) => path.join(root, ...parts.slice(0, at + 1)))];
}

/** What lies there; a link is not covered: where it leads is another place's affair, and the agent is not started. */
function kindOf(place: string): "folder" | "file" | undefined {
  try {
    const stat = lstatSync(place);
    return stat.isDirectory() ? "folder" : stat.isFile() ? "file" : undefined;
  } catch {
    // What cannot be looked at here is seen in the cell.
    return undefined;
  }
}

/** Nothing, as a folder and as a file, to be shown in the place of something. */
function makeNothing({ env, home }: CommandContext): Readonly<Record<"folder" | "file", string>> {
  const place = path.join(dataFolder(env, home), "nothing");
  const nothing = { folder: path.join(place, "folder"), file: path.join(place, "file") };
  mkdirSync(nothing.folder, { recursive: true, mode: 0o755 });
  writeFileSync(nothing.file, "", { mode: 0o644 });
  return { folder: realpathSync(nothing.folder), file: realpathSync(nothing.file) };
}

/** What covers a folder's own configuration of the agent, in folders that stand in the cell at their own paths. */
export function coverConfig(
  { covered = [], title }: AgentDriver,
  { profile, mounts, workdir }: Settings,
  context: CommandContext,
): readonly KitFile[] {
  if (covered.length === 0 || profile.value === "cowork") return [];
  const roots = mounts.map(({ value }) => path.resolve(context.cwd, value.source));
  const at = path.resolve(context.cwd, workdir?.value ?? roots[0] ?? context.cwd);
  const found = roots
    .flatMap((root) => foldersIn(root, at))
    .flatMap((folder) => covered.map((name) => path.join(folder, name)))
    .flatMap((place) => {
      const kind = kindOf(place);
      return kind === undefined ? [] : [{ place, kind }];
    });
  if (found.length === 0) return [];
  const nothing = makeNothing(context);
  const reason = `the folder's own configuration of ${title}, which nobody agreed to`;
  return found.map(({ place, kind }) => ({ path: place, source: nothing[kind], reason }));
}
