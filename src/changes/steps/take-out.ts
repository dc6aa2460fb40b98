import type { Entry } from "../../model/index.ts";
import {
  type Carrying,
  isGone,
  isStaged,
  lookAt,
  meanwhile,
  mustBeUntouched,
  NotDone,
  PutBack,
  placesOf,
} from "./carrying.ts";
import { keep, removeKept } from "./keep.ts";
import { isAsMade } from "./placed.ts";
import { hasSameContent, isOf, isSameFile, knownOf } from "./step.ts";
import { errnoOf, isServerGone } from "./trees.ts";

/** How often what the host puts there again and again is exchanged for it, before the step is left open. */
const ATTEMPTS = 100;

/** Puts what was made beside where nothing stands. */
export async function place(carrying: Carrying): Promise<void> {
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

/** Exchanges what stands there for what was made beside it, and keeps what came out. Resolves to what stood there then. */
export async function replace(carrying: Carrying): Promise<Entry | undefined> {
  const { server, staged, operation, isShared } = carrying;
  const { at, beside, kept } = placesOf(carrying);
  const { before } = operation;
  if (staged === undefined) throw new NotDone("it was not made");
  if (before === undefined) throw new NotDone(meanwhile);
  const { isKept, now } = await server.replace(
    { ...at, is: isOf(before) },
    { beside: { ...beside, is: isOf(staged) }, kept, known: knownOf(before, !isShared) },
  );
  if (!isKept) await keepWhatCameOut(carrying);
  return now;
}

/** Takes away what stands there, with all below, and keeps it. */
export async function remove(carrying: Carrying): Promise<void> {
  const { server } = carrying;
  const { at, beside } = placesOf(carrying);
  const before = await mustBeUntouched(carrying, at);
  await server.rename({ ...at, is: isOf(before) }, beside);
  await keepWhatCameOut(carrying);
}

/**
 * What came out is looked at again: the host may have replaced or written it between the look and the exchange. Then it
 * goes back, and nothing of either is lost.
 */
async function keepWhatCameOut(carrying: Carrying): Promise<void> {
  const { server } = carrying;
  const { beside, kept } = placesOf(carrying);
  const old = await server.stat(beside);
  if (old === undefined) throw new NotDone("the host took it away meanwhile");
  if (!(await isAsDecided(carrying, old))) throw new PutBack(await putBack(carrying, old));
  try {
    await keep(server, beside, kept);
  } catch (error) {
    // Kept whole, and only not taken away: it is done.
    if ((await server.stat(kept)) !== undefined || isServerGone(error)) throw error;
    await putBack(carrying, old);
    throw new PutBack(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function isAsDecided({ server, roots, operation, decidedNs }: Carrying, old: Entry): Promise<boolean> {
  if (operation.before === undefined || !hasSameContent(old, operation.before)) return false;
  if (old.type !== "directory") return true;
  const inside = await server.scan({ root: roots.host, path: operation.beside });
  // The ctime of a file with further names moves when the step works on another of them.
  return inside.every(({ ctimeNs, type, links }) => ctimeNs <= decidedNs || (type === "file" && links > 1));
}

/** Puts back what came out and is not what was decided on; says what became of it. */
async function putBack(carrying: Carrying, old: Entry): Promise<string> {
  return carrying.operation.kind === "remove" ? renameBack(carrying) : exchangeBack(carrying, old);
}

/** What the host has put there meanwhile is younger: then the older one is kept, though the step is not done. */
async function renameBack(carrying: Carrying): Promise<string> {
  const { at, beside } = placesOf(carrying);
  try {
    await carrying.server.rename(beside, at);
    return meanwhile;
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    return keepAside(carrying);
  }
}

/** Under a name of its own: the step did not take it out. */
async function keepAside(carrying: Carrying): Promise<string> {
  const { beside, kept } = placesOf(carrying);
  const { inode } = (await carrying.server.stat(beside)) ?? {};
  const aside = { ...kept, path: `${kept.path}.aside-${inode ?? "gone"}` };
  await keep(carrying.server, beside, aside);
  return `${meanwhile}, more than once: an older one is kept as "${aside.path}" of the session's steps`;
}

/** What comes out in exchange must be ours: else the host has put something there meanwhile, and that goes back first. */
async function exchangeBack(carrying: Carrying, old: Entry): Promise<string> {
  const { server } = carrying;
  const { at, beside } = placesOf(carrying);
  let [there, out] = [carrying.staged, old];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      await server.exchange(at, beside);
    } catch (error) {
      // The host took ours away; and not the folder that it is in, for then ours may be there yet.
      if (errnoOf(error) === "ENOENT" && (await lookAt(server, at)) === undefined)
        return renameBack(carrying);
      throw error;
    }
    const now = await afterwards(carrying);
    if (now === undefined) return meanwhile;
    if (there !== undefined && isSameFile(now, there))
      return isStaged(carrying, now) && isAsMade(carrying.operation, now) ? meanwhile : keepAside(carrying);
    [there, out] = [{ device: String(out.device), inode: String(out.inode) }, now];
  }
  throw new Error("the host changes it faster than it can be put back");
}

/** What came out in exchange. Where nobody can look at it, what came out before is back all the same, and this is seen to later. */
async function afterwards(carrying: Carrying): Promise<Entry | undefined> {
  try {
    return await carrying.server.stat(placesOf(carrying).beside);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/**
 * How far an earlier Workcell got that was ended in the middle: true when what it took out is kept, false when all is
 * to be done. What the host changed meanwhile goes back.
 */
export async function finishTakingOut(carrying: Carrying): Promise<boolean> {
  const { server, operation } = carrying;
  // Without anything to exchange it for, nothing came out.
  if (operation.kind === "replace" && carrying.staged === undefined) return false;
  const { at, beside, kept } = placesOf(carrying);
  const [now, old] = [await lookAt(server, at), await lookAt(server, beside)];
  const isKept = (await server.stat(kept)) !== undefined;
  if (old === undefined) return isKept;
  if (isStaged(carrying, old)) return false;
  const isOut = operation.before !== undefined && isSameFile(old, operation.before);
  if (isOut && isKept) {
    await removeKept(server, beside);
    return true;
  }
  const isOurs = operation.kind === "remove" ? now === undefined : isStaged(carrying, now);
  if (isOurs) {
    await keepWhatCameOut(carrying);
    return true;
  }
  // The host has put something else there since: that stays, and what came out before is kept.
  if (!isOut) throw new NotDone(await keepAside(carrying));
  await keep(server, beside, kept);
  return true;
}

/** Whether an earlier Workcell had put in its place what it made. */
export async function isPlaced(carrying: Carrying): Promise<boolean> {
  return isStaged(carrying, await lookAt(carrying.server, placesOf(carrying).at));
}
