import type { BytePath } from "../model/index.ts";
import type { FileRoot, FileServer } from "./file-server.ts";
import { pipelinedAll } from "./pipelined.ts";

/** Servers at most. What they wait for is the disk, above all where it is told of each block that is free again: more of them than processors are of use. */
const MOST = 8;
/** Below so many requests opening another costs more than it saves. */
const FROM = 1000;

/**
 * Several servers over the same folders, for requests that are in no order: making ten thousand files and taking them away keeps one of
 * them busy for longer than all the rest of a step takes. The first is there from the start, and closed by whoever opened it.
 */
export class Lanes {
  readonly #first: FileServer;
  readonly #open: () => Promise<FileServer>;
  readonly #from: number;
  #further: Promise<readonly FileServer[]> | undefined;

  constructor(first: FileServer, open: () => Promise<FileServer>, from: number = FROM) {
    this.#first = first;
    this.#open = open;
    this.#from = from;
  }

  /** As many as so many requests are worth. Where no more can be opened, the first does it alone. */
  async serversFor(requests: number): Promise<readonly FileServer[]> {
    if (requests < this.#from) return [this.#first];
    this.#further ??= this.#openFurther();
    return [this.#first, ...(await this.#further)];
  }

  async #openFurther(): Promise<readonly FileServer[]> {
    const opened = await Promise.allSettled(Array.from({ length: MOST - 1 }, this.#open));
    return opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  }

  /** Waits until what any of them wrote below a root is on the disk. */
  async sync(root: FileRoot): Promise<void> {
    for (const server of [this.#first, ...((await this.#further) ?? [])]) await server.sync(root);
  }

  async close(): Promise<void> {
    await Promise.all(((await this.#further) ?? []).map((server) => server.close()));
  }
}

export interface Deal<T> {
  readonly items: readonly T[];
  readonly window: number;
  /** The folder in which an item is work, and how many requests that is; left out: each item goes to the next server. */
  readonly workOf?: (item: T) => { readonly folder: BytePath; readonly requests: number };
}

/** So many requests in one folder go to one server before the next has its turn. */
const RUN = 64;

/** Which server each item goes to. Two that make files in one folder wait for each other, and use up a processor meanwhile. */
function* turns<T>({ items, workOf }: Deal<T>): Generator<readonly [T, number]> {
  let [turn, left, last]: [number, number, BytePath | undefined] = [-1, 0, undefined];
  for (const item of items) {
    const work = workOf?.(item);
    if (work === undefined || work.folder !== last || left <= 0) {
      turn++;
      left = RUN;
    }
    last = work?.folder;
    left -= work?.requests ?? 0;
    yield [item, turn];
  }
}

/** The same as `pipelinedAll`, the items dealt out to the servers in turn. */
export function dealtAll<T, R>(
  servers: readonly FileServer[],
  deal: Deal<T>,
  work: (item: T, server: FileServer) => Promise<R>,
): Promise<R[]> {
  return pipelinedAll(turns(deal), deal.window, ([item, turn]) =>
    work(item, servers[turn % servers.length] as FileServer),
  );
}
