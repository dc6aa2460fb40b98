import type { BytePath, Entry } from "../../model/index.ts";
import { joinPath, parentOf } from "../byte-path.ts";
import { isTime } from "../kept-time.ts";
import { pipelinedAll } from "../pipelined.ts";
import { type Carrying, isGone, lookAt, meanwhile, OutOfReach } from "./carrying.ts";
import {
  type Done,
  hasSameContent,
  identityOf,
  isSameFile,
  type Operation,
  type Part,
  type Placed,
} from "./step.ts";
import { isAbsent, isServerGone } from "./trees.ts";

/** Calls under way at once. */
const WINDOW = 256;

const isOutOfReach = (error: unknown): boolean => error instanceof OutOfReach || isGone(error);

/**
 * What cannot be reached at this moment is looked at by the next command: without it nothing could be undone there. `now` is
 * what stood there at the moment of the exchange.
 */
export async function lookAgain(carrying: Carrying, now?: Entry): Promise<Done> {
  const { path } = carrying.operation;
  const known = now === undefined ? undefined : placedAs(carrying, now);
  if (known !== undefined) return { path, placed: known };
  try {
    return { path, placed: await placedBy(carrying) };
  } catch (error) {
    if (!isOutOfReach(error)) throw error;
    return { path, placed: [], open: true };
  }
}

/** The same for what went back: just now, or by `untilNs`, when nobody could look at it. Else its new ctime would be the host's work. */
export async function lookAtPutBack(
  carrying: Carrying,
  untilNs?: bigint,
): Promise<Pick<Done, "placed" | "open" | "backNs">> {
  try {
    const placed = await putBackBy(carrying, untilNs);
    return placed.length > 0 ? { placed } : {};
  } catch (error) {
    if (isServerGone(error)) throw error;
    return { open: true, backNs: String(untilNs ?? soonNs()) };
  }
}

/** No file was stamped later than this. */
const soonNs = (): bigint => BigInt(Date.now() + 1) * 1_000_000n;

/**
 * What stands at the paths of an operation that is done, as it was left. What the host has changed by then is left out: it
 * is not Workcell's work. Throws OutOfReach where the host has moved the folder away.
 */
async function placedBy(carrying: Carrying): Promise<readonly Placed[]> {
  const { server, roots, operation, staged } = carrying;
  if (operation.kind === "remove") return [];
  const top = await lookAt(server, { root: roots.host, path: operation.path });
  if (top === undefined) return [];
  const known = operation.kind === "attributes" ? operation.before : staged;
  if (known === undefined || !isSameFile(top, known)) return [];
  if (operation.moved !== undefined) return placedTree(carrying, top);
  const inside = operation.parts.filter(({ path }) => path !== "");
  const entries = await entriesInside(carrying, inside);
  await mustBeAbsent(
    carrying,
    inside.filter((_, index) => entries[index] === undefined),
  );
  const placed = [...inside].flatMap((part, index) => {
    const entry = entries[index];
    if (entry === undefined || !isMade(part, entry)) return [];
    return [placedAt(joinPath(operation.path, part.path), entry)];
  });
  const { xattrs = {} } = top;
  const told = operation.kind === "attributes" ? { xattrs } : {};
  const first = isTopMade(operation, top) ? [{ ...placedAt(operation.path, top), ...told }] : [];
  return [...first, ...placed];
}

/** From so many parts on their folders are listed: a request for each folder, and not for each file. */
const LISTED_FROM = 8;

/** What stands where the parts were made. What cannot be listed is looked at one by one. */
async function entriesInside(
  { server, roots, operation }: Carrying,
  inside: readonly Part[],
): Promise<readonly (Entry | undefined)[]> {
  const paths = inside.map(({ path }) => joinPath(operation.path, path));
  const lookAtEach = () => pipelinedAll(paths, WINDOW, (path) => server.stat({ root: roots.host, path }));
  if (paths.length < LISTED_FROM) return lookAtEach();
  try {
    const listed = await server.scan({ root: roots.host, path: operation.path });
    const entries = new Map(listed.map((entry) => [entry.path, entry]));
    return paths.map((path) => entries.get(path));
  } catch (error) {
    if (isServerGone(error)) throw error;
    return lookAtEach();
  }
}

/**
 * The same by what stood there at the moment of the exchange: of a file with one name, for nothing else that a step does moves its
 * ctime. Undefined: it is to be looked at.
 */
function placedAs({ operation, staged }: Carrying, now: Entry): readonly Placed[] | undefined {
  if (now.type !== "file" || now.links !== 1) return undefined;
  if (staged === undefined || !isSameFile(now, staged)) return undefined;
  return isAsMade(operation, now) ? [placedAt(operation.path, now)] : [];
}

function placedAt(path: BytePath, entry: Entry): Placed {
  return { path, identity: identityOf(entry), ...(entry.type === "directory" && { isFolder: true }) };
}

/** What is not found is gone, and not only away with its folder for a moment. */
async function mustBeAbsent({ server, roots, operation }: Carrying, missing: readonly Part[]): Promise<void> {
  const gone = new Set(missing.map(({ path }) => path));
  const tops = missing.filter(({ path }) => !gone.has(parentOf(path)));
  await pipelinedAll(tops, WINDOW, async ({ path }) => {
    const isGone = await isAbsent(server, { root: roots.host, path: joinPath(operation.path, path) });
    if (!isGone) throw new OutOfReach(meanwhile);
  });
}

/**
 * What was taken out and went back unchanged: that moved its ctime, and is not the host's work. What moved it after `untilNs` is. Throws OutOfReach where the host has moved the folder away.
 */
async function putBackBy(
  { server, roots, operation }: Carrying,
  untilNs?: bigint,
): Promise<readonly Placed[]> {
  const { path, before } = operation;
  const entry = before === undefined ? undefined : await lookAt(server, { root: roots.host, path });
  if (entry === undefined || before === undefined || !hasSameContent(entry, before)) return [];
  if (untilNs !== undefined && entry.ctimeNs > untilNs) return [];
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

async function placedTree({ server, roots, operation }: Carrying, top: Entry): Promise<readonly Placed[]> {
  const at = { root: roots.host, path: operation.path };
  const inside = top.type === "directory" ? await server.scan(at) : [];
  return [{ ...top, path: at.path }, ...inside].map((one) => placedAt(one.path, one));
}
