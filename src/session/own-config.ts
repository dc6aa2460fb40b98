import { lstatSync, readlinkSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { isInside } from "../lib/is-inside.ts";
import { printable } from "../lib/printable.ts";
import type { CommandKit, KitConfig, KitFile, Plan, PlannedMount } from "../model/index.ts";

/** A connected folder as cells see it: the folder, and what the session laid over it. */
interface View {
  /** Where it stands in the cell. */
  readonly target: string;
  readonly source: string;
  /** The one that counts first. */
  readonly places: readonly string[];
}

interface Found {
  readonly kind: "folder" | "file" | "link" | "other";
  /** On the host. */
  readonly place: string;
}

const isConnected = ({ owner, cover, kind }: PlannedMount) =>
  owner !== undefined && cover === undefined && (kind === "bind" || kind === "ro-bind");

/** Shows something else than what the folder has there; covers that keep it from being written to show it itself. */
const isForeign = ({ owner, cover, identity }: PlannedMount) =>
  owner === undefined && cover === undefined && identity === undefined;

/** The connected folders of a cell, the inner ones first. */
function viewsOf({ mounts, layers }: Plan): readonly View[] {
  return mounts
    .filter(isConnected)
    .map(({ target, source = "", merged, copy }) => {
      const layer = layers?.merged.find(({ name }) => name === merged)?.layer;
      const upper = layer === undefined || copy !== undefined ? [] : [path.join(layer, "upper")];
      return { target, source, places: [...upper, copy ?? source] };
    })
    .sort((one, other) => other.target.length - one.target.length);
}

function look(place: string) {
  try {
    return lstatSync(place);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "ENAMETOOLONG"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** What stands at a place of the cell, whose folders above are no links. */
function findAt(views: readonly View[], at: string): Found | undefined {
  const view = views.find(({ target }) => isInside(at, target));
  if (view === undefined) return undefined;
  for (const base of view.places) {
    const place = path.join(base, path.relative(view.target, at));
    const stat = look(place);
    if (stat === undefined) continue;
    if (stat.isDirectory()) return { kind: "folder", place };
    if (stat.isFile()) return { kind: "file", place };
    if (stat.isSymbolicLink()) return { kind: "link", place };
    // What the session took away stands in its layer as a device without a number.
    return stat.isCharacterDevice() && stat.rdev === 0 ? undefined : { kind: "other", place };
  }
  return undefined;
}

/** As many as the kernel follows. */
const LINKS = 40;

/** Where a path of the cell leads, by links that only lead from connected folders to connected folders. */
function follow(
  views: readonly View[],
  asked: string,
): { readonly at: string; readonly found: Found } | undefined {
  let at = "/";
  let found: Found | undefined;
  let rest = asked.split("/").filter((part) => part !== "");
  for (let links = 0; rest.length > 0; ) {
    const [part = "", ...further] = rest;
    at = part === ".." ? path.dirname(at) : path.join(at, part);
    rest = further;
    found = findAt(views, at);
    const isGone = found === undefined && views.some(({ target }) => isInside(at, target));
    if (isGone || (rest.length > 0 && (found?.kind === "file" || found?.kind === "other"))) return undefined;
    if (found?.kind !== "link") continue;
    links += 1;
    if (links > LINKS) return undefined;
    const text = readlinkSync(found.place);
    rest = [...text.split("/").filter((one) => one !== "" && one !== "."), ...rest];
    at = text.startsWith("/") ? "/" : path.dirname(at);
    found = findAt(views, at);
  }
  return found === undefined ? undefined : { at, found };
}

/** The folders from one of the cell's up to the connected one that it lies in; none where it lies in none. */
function foldersUp(views: readonly View[], at: string): readonly string[] {
  if (!views.some(({ target }) => isInside(at, target))) return [];
  return [at, ...foldersUp(views, path.dirname(at))];
}

function cannotCover(origin: string, at: string, why: string, remedy: string): WorkcellError {
  return new WorkcellError("WC_MOUNT", {
    message: `Cannot keep "${printable(at)}" from ${origin}, which would take it into account: ${why}`,
    remedy,
  });
}

/** What the person agreed to at a place of the cell; a session's own changes of it are nobody's to agree to. */
function agreedAt(views: readonly View[], at: string, config: KitConfig): string | undefined {
  const view = views.find(({ target }) => isInside(at, target));
  if (view === undefined) return undefined;
  const onHost = path.join(view.source, path.relative(view.target, at));
  return config.agreed.find((one) => one.path === onHost)?.source;
}

interface Asked {
  readonly origin: string;
  readonly config: KitConfig;
  readonly workdir: string;
}

function coverAt(views: readonly View[], at: string, { origin, config, workdir }: Asked): readonly KitFile[] {
  const led = follow(views, at);
  if (led === undefined) return [];
  const { at: place, found } = led;
  const reason = (why: string) => `the folder's own configuration of ${origin}, ${why}`;
  const source = place === at ? agreedAt(views, at, config) : undefined;
  if (source !== undefined) return [{ path: place, source, reason: reason("as it was agreed to") }];
  if (found.kind === "other" || found.kind === "link") return [];
  const holdsWork = isInside(workdir, place) || views.some(({ target }) => isInside(target, place));
  if (holdsWork) {
    throw cannotCover(
      origin,
      at,
      `it leads to "${printable(place)}", where the work is`,
      `Take the link away for this task: rm -- '${at}'`,
    );
  }
  return [{ path: place, source: config.nothing[found.kind], reason: reason("which nobody agreed to") }];
}

/** What covers a command's own configuration in connected folders: where it works, in the folders above, and in each connected folder. */
export function coversOf(plan: Plan, { origin, config }: CommandKit): readonly KitFile[] {
  if (config === undefined) return [];
  const views = viewsOf(plan);
  const named = views.find(({ target }) => config.names.includes(path.basename(target)));
  if (named !== undefined) {
    const remedy = "Connect the folder that it is in instead";
    throw cannotCover(origin, named.target, "it is connected by its own name", remedy);
  }
  const written = path.resolve("/", plan.workdir);
  const workdir = follow(views, written)?.at ?? written;
  const asked = { origin, config, workdir };
  const folders = [...foldersUp(views, workdir), ...views.map(({ target }) => target)];
  const covers = [...new Set(folders)]
    .flatMap((folder) => config.names.map((name) => path.join(folder, name)))
    .flatMap((at) => coverAt(views, at, asked));
  return [...new Map(covers.map((cover) => [cover.path, cover])).values()];
}

/** A folder that a program names in a live cell: the first of the command's own configuration there that nothing covers. */
export function uncoveredIn(plan: Plan, names: readonly string[], folder: string): string | undefined {
  const views = viewsOf(plan);
  const covered = new Set(plan.mounts.filter(isForeign).map(({ target }) => target));
  const start = follow(views, folder)?.at ?? path.resolve("/", folder);
  return foldersUp(views, start)
    .flatMap((at) => names.map((name) => path.join(at, name)))
    .find((at) => {
      const led = follow(views, at);
      return led !== undefined && !covered.has(led.at);
    });
}
