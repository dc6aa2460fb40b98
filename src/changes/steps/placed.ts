import type { BytePath, Entry } from "../../model/index.ts";
import { joinPath } from "../byte-path.ts";
import { pipelinedAll } from "../pipelined.ts";
import type { Carrying } from "./carrying.ts";
import { hasSameContent, identityOf, isSameFile, type Operation, type Part, type Placed } from "./step.ts";
import { isAbsent, isServerGone } from "./trees.ts";

/** Calls under way at once. */
const WINDOW = 256;

/**
 * What stands at the paths of an operation that is done, as it was left. What the host has changed by then is left out: it
 * is not Workcell's work. Undefined: the host has moved the folder away.
 */
export async function placedBy(carrying: Carrying): Promise<readonly Placed[] | undefined> {
  const { server, roots, operation, staged } = carrying;
  if (operation.kind === "remove") return [];
  const top = await server.stat({ root: roots.host, path: operation.path });
  if (top === undefined)
    return (await isAbsent(server, { root: roots.host, path: operation.path })) ? [] : undefined;

  const known = operation.kind === "attributes" ? operation.before : staged;
  if (known === undefined || !isSameFile(top, known)) return [];
  if (operation.moved !== undefined) return placedTree(carrying, top);
  const inside = operation.parts.filter(({ path }) => path !== "");
  const entryAt = await entriesInside(carrying, inside);
  const placed = await pipelinedAll(inside, WINDOW, async (part) => {
    const path = joinPath(operation.path, part.path);
    const entry = await entryAt(path);
    return entry !== undefined && isMade(part, entry) ? [{ path, identity: identityOf(entry) }] : [];
  });
  const first = isTopMade(operation, top) ? [{ path: operation.path, identity: identityOf(top) }] : [];
  return [...first, ...placed.flat()];
}

/** From so many parts on their folders are listed: a request for each folder, and not for each file. */
const LISTED_FROM = 8;

type EntryAt = (path: BytePath) => Promise<Entry | undefined>;

/** What stands at a path below an operation's own. What cannot be listed is looked at one by one. */
async function entriesInside(
  { server, roots, operation }: Carrying,
  inside: readonly Part[],
): Promise<EntryAt> {
  const one: EntryAt = (path) => server.stat({ root: roots.host, path });
  if (inside.length < LISTED_FROM) return one;
  try {
    const listed = await server.scan({ root: roots.host, path: operation.path });
    const entries = new Map(listed.map((entry) => [entry.path, entry]));
    return async (path) => entries.get(path);
  } catch (error) {
    if (isServerGone(error)) throw error;
    return one;
  }
}

/**
 * The same by what stood there at the moment of the exchange: of a file with one name, for nothing else that a step does moves its
 * ctime. Undefined: it is to be looked at.
 */
export function placedAs({ operation, staged }: Carrying, now: Entry): readonly Placed[] | undefined {
  if (now.type !== "file" || now.links !== 1) return undefined;
  if (staged === undefined || !isSameFile(now, staged)) return undefined;
  return isAsMade(operation, now) ? [{ path: operation.path, identity: identityOf(now) }] : [];
}

/** What was taken out and went back unchanged: that moved its ctime, and is not the host's work. */
export async function putBackBy({ server, roots, operation }: Carrying): Promise<readonly Placed[]> {
  const { path, before } = operation;
  const entry = before === undefined ? undefined : await server.stat({ root: roots.host, path });
  if (entry === undefined || before === undefined || !hasSameContent(entry, before)) return [];
  return String(entry.ctimeNs) === before.ctimeNs ? [] : [{ path, identity: identityOf(entry) }];
}

/** Nobody has written to what a step made, or put back, since it stands at its place. */
export const isAsMade = (operation: Operation, top: Entry): boolean =>
  operation.moved !== undefined || isTopMade(operation, top);

const isTopMade = ({ kind, parts: [part] }: Operation, top: Entry): boolean =>
  kind === "attributes" || (part !== undefined && isMade(part, top));

/** Its time is the one that it was made with; whoever wrote to it since moved it. */
const isMade = ({ type, attributes }: Part, entry: Entry): boolean =>
  entry.type === type && (type === "directory" || isTime(entry.mtimeNs, BigInt(attributes.mtimeNs)));

/** Steps in which file systems keep times, in ns. */
const steps = [1n, 100n, 1_000n, 1_000_000n, 10_000_000n, 1_000_000_000n, 2_000_000_000n];
/** Whether a time is one that was given, as far as the file system keeps it. */
export const isTime = (kept: bigint, given: bigint): boolean =>
  steps.some((step) => kept === given - (given % step));

async function placedTree({ server, roots, operation }: Carrying, top: Entry): Promise<readonly Placed[]> {
  const at = { root: roots.host, path: operation.path };
  const inside = top.type === "directory" ? await server.scan(at) : [];
  return [{ ...top, path: at.path }, ...inside].map((one) => ({ path: one.path, identity: identityOf(one) }));
}
