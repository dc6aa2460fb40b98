import type { Entry } from "../../model/index.ts";
import { joinPath } from "../byte-path.ts";
import type { FileServer, Place } from "../file-server.ts";
import { pipelinedAll } from "../pipelined.ts";
import { keep } from "./keep.ts";
import { copyAs, isMadeBeside, type Staged, type StepRoots } from "./stage.ts";
import {
  type Done,
  hasSameContent,
  type Identity,
  identityOf,
  isOf,
  isSameFile,
  isUntouched,
  type Operation,
  type Placed,
} from "./step.ts";
import { errnoOf, removeTree } from "./trees.ts";

/** Operations under way at once; no two concern one path. */
const WINDOW = 64;

const meanwhile = "the host changed it meanwhile";

/** Says why the person's folder stays as it is at a path. */
class NotDone extends Error {}

interface Carrying {
  readonly server: FileServer;
  readonly roots: StepRoots;
  readonly operation: Operation;
  /** What was made beside the path. */
  readonly staged: Pick<Identity, "device" | "inode"> | undefined;
}

const placesOf = ({ roots, operation }: Carrying): { at: Place; beside: Place; kept: Place } => ({
  at: { root: roots.host, path: operation.path },
  beside: { root: roots.host, path: operation.beside },
  kept: { root: roots.kept, path: operation.kept },
});

/** What was decided on stands there, untouched. */
async function mustBeUntouched({ server, operation }: Carrying, at: Place): Promise<Identity> {
  const entry = await server.stat(at);
  if (entry === undefined || operation.before === undefined || !isUntouched(entry, operation.before))
    throw new NotDone(meanwhile);
  return operation.before;
}

async function place(carrying: Carrying): Promise<void> {
  const { server, staged } = carrying;
  const { at, beside } = placesOf(carrying);
  if (staged === undefined) throw new NotDone("it was not made");
  try {
    await server.rename({ ...beside, is: isOf(staged) }, at);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") throw new NotDone("the host has something there by now");
    throw error;
  }
}

/**
 * What comes out is looked at again: the host may have replaced or written it between the look and the exchange. Then it
 * goes back, and nothing of either is lost.
 */
async function replace(carrying: Carrying): Promise<void> {
  const { server, staged } = carrying;
  const { at, beside } = placesOf(carrying);
  if (staged === undefined) throw new NotDone("it was not made");
  const before = await mustBeUntouched(carrying, at);
  await server.exchange({ ...at, is: isOf(before) }, { ...beside, is: isOf(staged) });
  const old = await server.stat(beside);
  if (old === undefined || !hasSameContent(old, before)) {
    await server.exchange(at, beside);
    throw new NotDone(meanwhile);
  }
  await keepOr(carrying, () => server.exchange(at, beside));
}

/** What cannot be kept goes back to its place. */
async function keepOr(carrying: Carrying, putBack: () => Promise<void>): Promise<void> {
  const { server } = carrying;
  const { beside, kept } = placesOf(carrying);
  try {
    await keep(server, beside, kept);
  } catch (error) {
    // Kept whole, and only not taken away: it is done.
    if ((await server.stat(kept)) === undefined) await putBack();
    throw error;
  }
}

async function remove(carrying: Carrying): Promise<void> {
  const { server } = carrying;
  const { at, beside } = placesOf(carrying);
  const before = await mustBeUntouched(carrying, at);
  await server.rename({ ...at, is: isOf(before) }, beside);
  const old = await server.stat(beside);
  if (old === undefined || !hasSameContent(old, before)) {
    await server.rename(beside, at);
    throw new NotDone(meanwhile);
  }
  await keepOr(carrying, () => server.rename(beside, at));
}

async function keepAttributes(
  server: FileServer,
  { entry, held, kept }: { readonly entry: Entry; readonly held: Place; readonly kept: Place },
): Promise<void> {
  const { mode, uid, gid, mtimeNs } = entry;
  const old = { mode, uid, gid, mtimeNs };
  const draft = { ...kept, path: `${kept.path}.part` };
  await removeTree(server, draft);
  await server.makeDirectory(draft, old);
  await server.setAttributes(draft, old, held);
  await server.rename(draft, kept);
}

/** The old bits, owner and extended attributes are kept by an empty folder, whatever it is that has them. */
async function changeAttributes(carrying: Carrying): Promise<void> {
  const { server, roots, operation } = carrying;
  const { at, kept } = placesOf(carrying);
  const [part] = operation.parts;
  const entry = await server.stat(at);
  const before = operation.before;
  if (part === undefined || before === undefined || entry === undefined || !isSameFile(entry, before))
    throw new NotDone(meanwhile);
  const held = { ...at, is: isOf(before) };
  if ((await server.stat(kept)) === undefined) await keepAttributes(server, { entry, held, kept });
  // A folder's time is that of what is in it, which is not this operation's affair.
  const time = entry.type === "directory" ? { mtimeNs: entry.mtimeNs } : {};
  const source = { root: roots.source, path: part.from };
  await server.setAttributes(held, { ...copyAs(part.attributes), ...time }, source);
}

/** Whether an earlier attempt got as far as the exchange; what it took out is then kept. */
async function isFinished(carrying: Carrying): Promise<boolean> {
  const { server, staged, operation } = carrying;
  const { at, beside, kept } = placesOf(carrying);
  const { kind, before } = operation;
  if (kind === "attributes") return false;
  const [now, old] = [await server.stat(at), await server.stat(beside)];
  const isPlaced = now !== undefined && staged !== undefined && isSameFile(now, staged);
  if (kind === "place") return isPlaced;
  const isOut = old !== undefined && before !== undefined && isSameFile(old, before);
  const isKept = (await server.stat(kept)) !== undefined;
  if (kind === "replace" && !isPlaced) return false;
  if (kind === "remove" && !isOut && !isKept) return false;
  if (isKept && isOut) await removeTree(server, beside);
  else if (isOut) await keep(server, beside, kept);
  return true;
}

const actions = { place, replace, remove, attributes: changeAttributes };

async function placedParts({ server, roots, operation }: Carrying): Promise<readonly Placed[]> {
  const top = { root: roots.host, path: operation.path };
  if (operation.moved !== undefined) return placedTree(server, top);
  const paths = operation.parts.map(({ path }) => (path === "" ? top.path : joinPath(top.path, path)));
  const entries = await pipelinedAll(paths, WINDOW, (path) => server.stat({ root: roots.host, path }));
  return paths.flatMap((path, index) => {
    const entry = entries[index];
    return entry === undefined ? [] : [{ path, identity: identityOf(entry) }];
  });
}

async function placedTree(server: FileServer, top: Place): Promise<readonly Placed[]> {
  const entry = await server.stat(top);
  if (entry === undefined) return [];
  const inside = entry.type === "directory" ? await server.scan(top) : [];
  return [{ ...entry, path: top.path }, ...inside].map((one) => ({
    path: one.path,
    identity: identityOf(one),
  }));
}

/**
 * Carries one operation out; the person's folder is either as it was at that path, or as it was to be. One that an
 * earlier Workcell was ended in is finished from where it stands.
 */
export async function carryOutOne(carrying: Carrying): Promise<Done> {
  const { operation } = carrying;
  const { path } = operation;
  try {
    if (!(await isFinished(carrying))) await actions[operation.kind](carrying);
    return { path, placed: await placedParts(carrying) };
  } catch (error) {
    if (isMadeBeside(operation)) await takeBesideAway(carrying).catch(() => undefined);
    const gone = ["ENOENT", "ENOTDIR", "ESTALE", "ELOOP"].includes(errnoOf(error) ?? "");
    if (error instanceof NotDone || gone)
      return { path, failed: gone ? meanwhile : String((error as Error).message) };
    return { path, failed: error instanceof Error ? error.message : String(error) };
  }
}

/** Only what was made for this: what stands there may be the host's own file, which did not go back. */
async function takeBesideAway(carrying: Carrying): Promise<void> {
  const { server, staged } = carrying;
  const { beside } = placesOf(carrying);
  const entry = await server.stat(beside);
  if (entry !== undefined && staged !== undefined && isSameFile(entry, staged))
    await removeTree(server, beside);
}

/** Carries out a staged step. Folders' attributes come last, the deepest first: they may forbid what else is done. */
export async function carryOut(
  input: { readonly server: FileServer; readonly roots: StepRoots; readonly staged: Staged },
  operations: readonly Operation[],
): Promise<readonly Done[]> {
  const { server, roots, staged } = input;
  const run = (operation: Operation): Promise<Done> => {
    const failed = staged.failed.get(operation.path);
    if (failed !== undefined) return Promise.resolve({ path: operation.path, failed });
    return carryOutOne({ server, roots, operation, staged: staged.made.get(operation.path) });
  };
  const isLast = ({ kind }: Operation) => kind === "attributes";
  const first = await pipelinedAll(
    operations.filter((operation) => !isLast(operation)),
    WINDOW,
    run,
  );
  const last: Done[] = [];
  for (const operation of operations.filter(isLast).reverse()) last.push(await run(operation));
  return [...first, ...last];
}
