import type { BytePath, Entry, JudgedChange } from "../../model/index.ts";
import { isWithin, joinPath, nameOf, parentOf, partsOf, utf8Of } from "../byte-path.ts";
import type { FileRoot, Place } from "../file-server.ts";
import type { GitPlaces } from "../git-places.ts";
import { judgeChanges } from "../judge-changes.ts";
import { type RepositoryBefore, readJudgingFacts } from "../judging-facts.ts";
import { foldedName, inDependencyTree, matchProtected } from "../match-protected.ts";
import type { Aside } from "./aside.ts";
import { findProtected, type LivePlace, leavesOf, partsAbove } from "./find-protected.ts";
import { type Pin, pin } from "./pin.ts";
import { wantedNames } from "./wanted-names.ts";

/** A protected thing that stood there when the cell was planned. */
export interface KnownThing {
  readonly entry: Entry;
  /** The cell sees it read-only. */
  readonly covered: boolean;
  /** Its copy, by its name among those that are kept. */
  readonly kept?: string;
}

/** What a cell sees read-only in a folder that it may else write to. */
export interface Cover {
  /** Below the folder, as text. */
  readonly path: string;
  readonly entry: Entry;
}

/** What was known of a folder, as it is kept for whoever finishes after a run that was killed. */
export interface KnownFolder {
  readonly trees: ReadonlyMap<BytePath, KnownThing>;
  readonly files: ReadonlyMap<BytePath, KnownThing>;
  /** Kernel time before anything was looked at, in ns. */
  readonly begunNs: bigint;
  /** Folders that git took for repositories without a `.git`, each by device and inode. */
  readonly repositories: readonly string[];
  /** Set where not all could be looked through at the start: kernel time then, in ns. What is older stood there. */
  readonly olderNs?: bigint;
}

/** Something that was taken out of a folder, or put back there. */
export interface Taken {
  readonly path: BytePath;
  readonly reason: string;
  /** Where it lies now, below the quarantine; absent: nowhere. */
  readonly to?: BytePath;
  /** What stood there before stands there again. */
  readonly restored: boolean;
}

export interface LookOptions {
  /** The cell is over: nothing that was let through before is taken on trust. */
  readonly isLast: boolean;
  /** Called when something else than before counts as what stood there. */
  readonly onKnown?: () => void;
  /** What changed later was not the cell. */
  readonly until?: bigint;
}

export interface Look {
  readonly taken: readonly Taken[];
  /** False: something could not be looked at. */
  readonly isWhole: boolean;
}

const likelyNames: ReadonlySet<string> = new Set(wantedNames().map((name) => name.slice(1)));
const mostCovers = 300;
const mostKeptBytes = 1 << 20;
const bytesIn = (text: string): BytePath => Buffer.from(text).toString("latin1");
const identityOf = ({ device, inode }: Entry) => `${device}:${inode}`;
const stateOf = (entry: Entry) => `${identityOf(entry)}:${entry.ctimeNs}:${entry.size}`;

/** A folder that a cell writes to live: what stands in its protected places, and what comes to stand there. */
export class LiveFolder {
  readonly #place: LivePlace;
  readonly #aside: Aside;
  readonly #trees = new Map<BytePath, KnownThing>();
  readonly #files = new Map<BytePath, KnownThing>();
  /** New things that were let through, as they were then. */
  readonly #passed = new Map<BytePath, string>();
  readonly #pins: Pin[] = [];
  #begunNs = 0n;
  #repositories: ReadonlySet<string> = new Set();
  #olderNs: bigint | undefined;
  #onKnown = () => {};

  constructor(place: LivePlace, aside: Aside, known?: KnownFolder) {
    this.#place = place;
    this.#aside = aside;
    for (const [path, thing] of known?.trees ?? []) this.#trees.set(path, thing);
    for (const [path, thing] of known?.files ?? []) this.#files.set(path, thing);
    this.#olderNs = known?.olderNs;
    this.#begunNs = known?.begunNs ?? 0n;
    this.#repositories = new Set(known?.repositories);
  }

  get folder(): string {
    return this.#place.folder;
  }

  get known(): KnownFolder {
    const older = this.#olderNs === undefined ? {} : { olderNs: this.#olderNs };
    const repositories = [...this.#repositories];
    return { trees: this.#trees, files: this.#files, begunNs: this.#begunNs, repositories, ...older };
  }

  /**
   * Takes down what stands there before the cell is; what of it the cell is to see read-only. `foreignness` says at that
   * moment what by its absolute place is another cell's, and about to be taken out.
   */
  async begin(
    beginNs: bigint,
    foreignness: () => (place: BytePath, entry: Entry) => boolean,
  ): Promise<{ readonly covers: readonly Cover[]; readonly isWhole: boolean }> {
    const earlier = foreignness();
    const { trees, single, repositories, isWhole } = await findProtected(this.#place);
    this.#begunNs = beginNs;
    if (!isWhole) this.#olderNs = beginNs;
    this.#repositories = new Set((await Promise.all(repositories.map((at) => this.#idOf(at)))).flat());
    // Another cell may have begun, or ended, while the folder was looked through.
    const later = foreignness();
    const isForeign = (at: BytePath, entry: Entry) => earlier(at, entry) || later(at, entry);
    const place = (path: BytePath) => `${bytesIn(this.folder)}/${path}`;
    const covers: Cover[] = [];
    const cover = (path: BytePath, entry: Entry) => {
      const text = utf8Of(path);
      const fits = text !== undefined && !/\p{Cc}/u.test(text) && covers.length < mostCovers;
      if (!fits) return false;
      covers.push({ path: text, entry });
      const held = pin(`${this.folder}/${text}`, entry);
      if (held !== undefined) this.#pins.push(held);
      return held !== undefined;
    };
    const files = new Map([...single].filter(([path, entry]) => !isForeign(place(path), entry)));
    for (const [path, entry] of trees) {
      if (this.#mayBeWritten(path, entry) || isForeign(place(path), entry)) continue;
      if (!this.#hasNamed(path) && cover(path, entry)) this.#trees.set(path, { entry, covered: true });
      else for (const { path: leaf, ...inside } of await leavesOf(this.#place, path)) files.set(leaf, inside);
    }
    for (const [path, entry] of files)
      if (!this.#mayBeWritten(path, entry)) {
        const covered = entry.type === "file" && cover(path, entry);
        this.#files.set(path, { entry, covered });
      }
    return { covers, isWhole };
  }

  close(): void {
    for (const held of this.#pins.splice(0)) held.release();
  }

  /** Whether a protected thing is none here: the person named it, or other people's packages hold it. */
  #mayBeWritten(path: BytePath, entry: Entry): boolean {
    const { named, folder } = this.#place;
    const standsForTree = entry.type === "symlink";
    const subject = { path, executable: false, standsForTree, plainFolder: false };
    const match = matchProtected(subject, partsAbove(folder));
    if (match === undefined) return named.includes(path);
    // As everywhere: who names the folder above has not looked.
    const reaches = (name: BytePath) => partsOf(name).length >= match.depth && isWithin(path, name);
    return named.some(reaches) || (match.rule.everywhere !== true && inDependencyTree(path, new Set()));
  }

  #hasNamed(tree: BytePath): boolean {
    return this.#place.named.some((name) => isWithin(name, tree));
  }

  /** Absolute paths of folders in which protected things are likely to come, the connected one first. */
  likelyPlaces(): readonly string[] {
    const around = [...this.#trees.keys(), ...this.#files.keys()].map(parentOf);
    const texts = [...new Set(["", ...around])].map(utf8Of);
    return texts.flatMap((text) =>
      text === undefined ? [] : [text === "" ? this.folder : `${this.folder}/${text}`],
    );
  }

  isLikelyName(name: BytePath): boolean {
    return likelyNames.has(foldedName(name));
  }

  /** Keeps copies of what could be replaced although it is covered: the host's own programs do that. */
  async keep(): Promise<void> {
    for (const [path, thing] of this.#files) {
      const { type, size } = thing.entry;
      if ((type !== "file" && type !== "symlink") || size > mostKeptBytes) continue;
      this.#files.set(path, {
        ...thing,
        ...(await this.#aside.keep(this.#at(path, thing.entry), thing.entry)),
      });
    }
  }

  #at(path: BytePath, is?: Pick<Entry, "device" | "inode">): Place & { readonly root: FileRoot } {
    return { root: this.#place.root, path, ...(is && { is }) };
  }

  /** What is refused of these, and why. */
  async #judge(
    changes: readonly Pick<JudgedChange, "path" | "kind" | "after">[],
    gitPlaces: GitPlaces,
  ): Promise<readonly JudgedChange[]> {
    const { server, root, folder, named } = this.#place;
    const place = { server, layer: root, folder: root, folderPath: folder };
    const before: RepositoryBefore = {
      isWhole: (at) => this.#wasRepository(at),
      acts: (at) => this.#actedBefore(at),
    };
    const facts = await readJudgingFacts({ ...place, changes, mode: "review", gitPlaces, before });
    const above = partsAbove(folder).length > 0 ? { folderPath: folder } : {};
    const judged = judgeChanges(changes, { mode: "review", namedByPerson: named, facts, ...above });
    return judged.filter((change) => change.class === "refused");
  }

  async #idOf(path: BytePath): Promise<readonly string[]> {
    const entry = await this.#place.server.stat(this.#at(path)).catch(() => undefined);
    return entry === undefined ? [] : [identityOf(entry)];
  }

  async #wasRepository(folder: BytePath): Promise<boolean> {
    const [id] = await this.#idOf(folder);
    return id !== undefined && this.#repositories.has(id);
  }

  /** Whether git would have read or run something of a folder before, had it been a repository: that is as old still. */
  async #actedBefore(folder: BytePath): Promise<boolean> {
    const { server } = this.#place;
    const inside = await leavesOf(this.#place, joinPath(folder, "hooks"));
    const hooks = inside.filter(({ path }) => !path.endsWith(".sample"));
    const others = ["config", "config.worktree", "commondir"].map((name) =>
      server.stat(this.#at(joinPath(folder, name))).catch(() => undefined),
    );
    return [...hooks, ...(await Promise.all(others))].some(
      (entry) => entry !== undefined && entry.type !== "directory" && entry.ctimeNs < this.#begunNs,
    );
  }

  /** Looks at all protected places, takes out what the cell has put there, and puts back what was there before. */
  async look(options: LookOptions): Promise<Look> {
    this.#onKnown = options.onKnown ?? (() => {});
    const first = await this.#lookOnce(options);
    if (!options.isLast || first.taken.length === 0) return first;
    // SECURITY(P14): a configuration that was put back names places again that the one in its stead did not.
    const second = await this.#lookOnce(options);
    return { taken: [...first.taken, ...second.taken], isWhole: first.isWhole && second.isWhole };
  }

  async #lookOnce({ isLast, until }: LookOptions): Promise<Look> {
    const { trees, single, heads, gitPlaces, isWhole } = await findProtected(this.#place);
    const found = new Map(single);
    for (const [path, entry] of heads)
      if (!(await this.#wasRepository(parentOf(path)))) found.set(path, entry);
    const ours = new Set([...this.#trees.values()].map(({ entry }) => identityOf(entry)));
    for (const [path, entry] of trees) {
      // SECURITY(P14): a covered folder that still is the one: only the host can have changed what is in it.
      if (ours.has(identityOf(entry)) || this.#mayBeWritten(path, entry)) continue;
      for (const { path: leaf, ...inside } of await leavesOf(this.#place, path)) found.set(leaf, inside);
    }
    const inodes = new Map([...this.#files].map(([path, { entry }]) => [identityOf(entry), path] as const));
    const changed: { path: BytePath; kind: "added" | "changed"; after: Entry }[] = [];
    for (const [path, after] of found) {
      if (until !== undefined && after.ctimeNs > until) continue;
      if (this.#olderNs !== undefined && !this.#files.has(path) && after.ctimeNs < this.#olderNs) continue;
      if (!isLast && this.#passed.get(path) === stateOf(after)) continue;
      if (await this.#isAsKnown(path, after, inodes)) continue;
      changed.push({ path, kind: this.#files.has(path) ? "changed" : "added", after });
    }
    const refused = await this.#judge(changed, gitPlaces);
    const taken: Taken[] = [];
    for (const { path, after, reason = "" } of refused)
      if (after !== undefined) taken.push(...(await this.#takeOut(path, after, reason)));
    const out = new Set(refused.map(({ path }) => path));
    for (const { path, after } of changed) if (!out.has(path)) this.#passed.set(path, stateOf(after));
    if (until === undefined) taken.push(...(await this.#putBackGone(found)));
    return { taken, isWhole };
  }

  /** What stands there is what stood there, moved with the folders above it, or changed where the cell could not. */
  async #isAsKnown(path: BytePath, now: Entry, inodes: ReadonlyMap<string, BytePath>): Promise<boolean> {
    const at = inodes.get(identityOf(now));
    const same = at !== undefined && nameOf(at) === nameOf(path) ? this.#files.get(at) : undefined;
    if (same?.entry.ctimeNs === now.ctimeNs) return true;
    if (at !== undefined && same?.covered && same.entry.links === 1 && now.links === 1) {
      this.#learn(at, { ...same, entry: now, ...(await this.#aside.keep(this.#at(path, now), now)) });
      return true;
    }
    const known = this.#files.get(path);
    if (known?.kept === undefined || known.entry.type !== now.type || known.entry.mode !== now.mode)
      return false;
    if (!(await this.#aside.isKept(known, this.#at(path, now), now))) return false;
    this.#learn(path, { ...known, entry: now, covered: known === same && known.covered });
    return true;
  }

  #learn(path: BytePath, thing: KnownThing): void {
    this.#files.set(path, thing);
    this.#onKnown();
  }

  async #takeOut(path: BytePath, entry: Entry, reason: string): Promise<readonly Taken[]> {
    const to = await this.#aside.move(this.#at(path, entry), entry);
    if (to === undefined) return [];
    const known = this.#files.get(path);
    const restored = known && (await this.#aside.putBack(known, this.#at(path)));
    if (restored !== undefined && known !== undefined)
      this.#learn(path, { ...known, entry: restored, covered: false });
    await this.#clear(parentOf(path));
    return [{ path, reason, restored: restored !== undefined, ...(to !== "" && { to }) }];
  }

  /** A protected folder that held nothing but what was taken out goes with it. */
  async #clear(folder: BytePath): Promise<void> {
    const above = partsAbove(this.folder);
    for (let at = folder; at !== "" && !this.#trees.has(at); at = parentOf(at)) {
      const subject = { path: at, executable: false, standsForTree: false, plainFolder: false };
      if (matchProtected(subject, above)?.rule.class !== "refused") return;
      if (!(await this.#aside.removeEmpty(this.#at(at)))) return;
    }
  }

  /** What was not covered can have been removed by the cell; what was, by the host alone. */
  async #putBackGone(found: ReadonlyMap<BytePath, Entry>): Promise<readonly Taken[]> {
    const there = new Set([...found.values()].map(identityOf));
    const taken: Taken[] = [];
    for (const [path, thing] of this.#files) {
      if (found.has(path) || there.has(identityOf(thing.entry))) continue;
      const restored = thing.covered ? undefined : await this.#aside.putBack(thing, this.#at(path));
      if (restored === undefined) this.#files.delete(path);
      else {
        this.#learn(path, { ...thing, entry: restored });
        taken.push({ path, reason: "it takes away what is protected", restored: true });
      }
    }
    return taken;
  }
}
