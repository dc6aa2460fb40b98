import {
  closeSync,
  constants,
  cpSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import { codeOf } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import type { Denial, HostFacts, Plan, PlannedMount } from "../model/index.ts";

const folderItself = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Something in an open folder, by its name there. */
interface Placed {
  readonly parent: number;
  readonly name: string;
}

const placeOf = ({ parent, name }: Placed) => `/proc/self/fd/${parent}/${name}`;

/** Opens the connected folder itself; another cell may be working in it, and the host may have moved it. */
function openFolder(source: string): number {
  const fd = openSync(source, folderItself);
  if (readlinkSync(`/proc/self/fd/${fd}`) === source) return fd;
  closeSync(fd);
  throw new Error(`"${printable(source)}" was moved`);
}

/**
 * What stands at a path below a connected folder, each part looked up by itself and none through a link. A link on the way
 * was not there when the path was read: it stands for the path, and is what is found.
 */
function findBelow(source: string, place: string): Placed | undefined {
  let parent = openFolder(source);
  const parts = place.slice(source.length + 1).split("/");
  try {
    for (const [index, name] of parts.entries()) {
      const found = lstatSync(placeOf({ parent, name }), { throwIfNoEntry: false });
      const isEnd = index === parts.length - 1 || found?.isSymbolicLink() === true;
      if (found !== undefined && isEnd) return { parent, name };
      if (found?.isDirectory() !== true) break;
      const inner = openSync(placeOf({ parent, name }), folderItself);
      closeSync(parent);
      parent = inner;
    }
  } catch (error) {
    closeSync(parent);
    throw error;
  }
  closeSync(parent);
  return undefined;
}

function move(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true, mode: 0o700 });
  try {
    renameSync(from, to);
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw error;
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
    rmSync(from, { recursive: true });
  }
}

/** The live folder that a path lies in; what goes to a layer is judged when it is applied. */
function liveFolder(plan: Plan, place: string): PlannedMount | undefined {
  return plan.mounts
    .filter(({ kind, owner, merged }) => kind === "bind" && owner !== undefined && merged === undefined)
    .find(({ source = "" }) => place.startsWith(`${source}/`));
}

interface Quarantine {
  readonly plan: Plan;
  readonly facts: HostFacts;
  /** Absolute folder, made when there is something to keep. */
  readonly folder: string;
}

/**
 * SECURITY(P8): a mount cannot cover what does not exist, and no placeholder may show on the host. What was not to be
 * written and was not there before the command is taken out when the cell is empty, and kept.
 */
export function takeOut({ plan, facts, folder }: Quarantine): readonly Denial[] {
  return (facts.absentPaths ?? []).flatMap(({ path: place, origin }, index): Denial[] => {
    const live = liveFolder(plan, place);
    const found = live?.source === undefined ? undefined : findBelow(live.source, place);
    if (found === undefined) return [];
    try {
      const kept = path.join(folder, `${index}`, found.name);
      move(placeOf(found), kept);
      const rule = "it is not to be written, and was not there before";
      const remedy = `It was taken out, and is kept as ${printable(kept)}`;
      return [{ layer: "files", rule, origin, what: `write ${printable(place)}`, remedy }];
    } finally {
      closeSync(found.parent);
    }
  });
}
