import { existsSync, mkdirSync, statSync } from "node:fs";
import path from "node:path";
import type { LiveFolder } from "../changes/index.ts";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { monotonicMs } from "../lib/monotonic.ts";
import { printable } from "../lib/printable.ts";
import { realPlace } from "../lib/real-place.ts";
import type { Denial, FolderRule, Policy, SessionCover, Settings } from "../model/index.ts";
import { forgetGuard, type GuardedFolder, guardFile, touchGuard, writeGuard } from "./guard-record.ts";
import { denialOf, dropKept, openFolders } from "./guarded-folders.ts";
import { foreignness } from "./other-guards.ts";
import type { OpenSession } from "./store.ts";
import { listenFor } from "./watch-live.ts";

/** Time between two looks at all protected places, in ms; longer where a look takes longer than a twentieth of it. */
const INTERVAL_MS = 1000;
const MOST_SHARE = 20;
/** Time from a hint to the look that it asks for, and between two such looks, in ms. */
const HINTED_MS = 50;

export interface GuardInput {
  readonly session: OpenSession;
  readonly settings: Settings;
  readonly policy: Policy;
  /** Workcell's state folder. */
  readonly state: string;
  readonly installation: string;
  readonly cwd: string;
  say(line: string): void;
}

/** Watches over the protected paths of the folders that one cell writes to live. */
export interface Guard {
  /** Absolute folder of what is taken out in this cell; goes at the end when nothing is in it. */
  readonly quarantine: string;
  readonly covers: readonly SessionCover[];
  /** From here on things are taken out. To be called before the command begins. */
  begin(): Promise<void>;
  /** Looks a last time, when nothing of the cell is alive: what was refused in all. */
  finish(): Promise<readonly Denial[]>;
  /** Lets go of everything, whatever there is. */
  close(): Promise<void>;
}

const byteForm = (text: string) => Buffer.from(text).toString("latin1");
const isBelow = (inner: string, outer: string) => inner.startsWith(`${outer}/`);

/** The paths that the person allowed, each with the folder it lies in. */
function allowed({ settings, policy, cwd }: GuardInput): readonly { source: string; path: string }[] {
  const live = policy.folders.filter(({ mode }) => mode === "rw");
  return (settings.allowPaths ?? []).map(({ value, origin }) => {
    const given = path.resolve(cwd, value);
    const place = path.join(realPlace(path.dirname(given)), path.basename(given));
    const around = live.filter(({ source }) => isBelow(place, source));
    const [folder] = around.sort((a, b) => b.source.length - a.source.length);
    if (folder !== undefined) return { source: folder.source, path: place.slice(folder.source.length + 1) };
    throw new WorkcellError("WC_MOUNT", {
      message: `Cannot allow the path "${printable(value)}" (${origin}): it lies in no folder that is connected rw`,
      remedy: `Connect the folder around it: -m '${path.dirname(given)}:rw', or apply what waits by name: workcell apply NAME PATH`,
    });
  });
}

function guarded(input: GuardInput): readonly GuardedFolder[] {
  const named = allowed(input);
  const { folders } = input.policy;
  const live = folders.filter(({ mode }) => mode === "rw");
  const inside = ({ source }: FolderRule) =>
    folders
      .filter((one) => isBelow(one.source, source))
      .map((one) => byteForm(one.source.slice(source.length + 1)));
  return live.map((rule, index) => ({
    folder: rule.source,
    into: `${index + 1}`,
    excluded: inside(rule),
    named: named.filter(({ source }) => source === rule.source).map((one) => byteForm(one.path)),
    trees: [],
    files: [],
  }));
}

/** The first number that no cell of the session has taken. */
function makeQuarantine(folder: string): string {
  for (let number = 1; ; number++) {
    const made = path.join(folder, "quarantine", `${number}`);
    try {
      mkdirSync(path.dirname(made), { recursive: true, mode: 0o700 });
      mkdirSync(made, { mode: 0o700 });
      return made;
    } catch (error) {
      // ENOENT: another cell of the session took the empty folder above away.
      if (codeOf(error) !== "EEXIST" && codeOf(error) !== "ENOENT") throw error;
    }
  }
}

/** Watches over live folders from before the cell is planned until it is over. Undefined: there are none. */
export async function openGuard(input: GuardInput): Promise<Guard> {
  const { session, state, installation, say } = input;
  const { name, folder, cell } = session.facts;
  const quarantine = makeQuarantine(folder);
  const kept = path.join(session.cellFolder, "kept");
  mkdirSync(kept, { mode: 0o700 });
  const begunNs = statSync(kept, { bigint: true }).ctimeNs;
  const base = { schema: "workcell.guard/1", session: name, cell, quarantine, kept, begunNs } as const;
  const asked = guarded(input);
  const file = guardFile(state, name, cell);
  const open = await openFolders({ ...base, folders: asked }, installation);
  const covers: SessionCover[] = [];
  const places = asked.map(({ folder }) => folder);
  for (const live of open.folders) {
    const begun = await live.begin(begunNs, () => foreignness(state, places));
    if (!begun.isWhole) say(partly(live.folder));
    for (const { path: place, entry } of begun.covers)
      covers.push({
        source: live.folder,
        path: place,
        identity: { device: Number(entry.device), inode: Number(entry.inode) },
      });
  }
  const watch = new Watch(open.folders, quarantine, say);
  const note = () => {
    const folders = open.folders.map((live, index) => ({
      ...(asked[index] as GuardedFolder),
      trees: [...live.known.trees],
      files: [...live.known.files],
      repositories: live.known.repositories,
      ...(live.known.olderNs === undefined ? {} : { olderNs: live.known.olderNs }),
    }));
    writeGuard(file, { ...base, folders });
  };
  const close = async () => {
    watch.stop();
    await open.close();
    // As long as its record is there, another run can finish what this one could not.
    if (existsSync(file)) return;
    dropKept({ kept, quarantine });
  };
  return {
    quarantine,
    covers,
    begin: async () => {
      for (const live of open.folders) await live.keep();
      note();
      watch.start({ onAlive: () => touchGuard(file), onChanged: note });
    },
    finish: async () => {
      await watch.finish();
      forgetGuard(file);
      return watch.denials;
    },
    close,
  };
}

const partly = (folder: string) =>
  `Not all of "${printable(folder)}" could be looked through for protected paths: what is not found is not held`;

/** Looks again and again while the cell runs. */
class Watch {
  readonly #folders: readonly LiveFolder[];
  readonly #quarantine: string;
  readonly #say: (line: string) => void;
  readonly denials: Denial[] = [];
  #alive: NodeJS.Timeout | undefined;
  #next: NodeJS.Timeout | undefined;
  #deaf = () => {};
  #onChanged = () => {};
  #isOver = false;
  #isLooking = false;
  #isHinted = false;
  /** Time after a look before the next may begin, in ms. */
  #rest = 0;
  #looking: Promise<void> = Promise.resolve();

  constructor(folders: readonly LiveFolder[], quarantine: string, say: (line: string) => void) {
    this.#folders = folders;
    this.#quarantine = quarantine;
    this.#say = say;
  }

  start({ onAlive, onChanged }: { readonly onAlive: () => void; readonly onChanged: () => void }): void {
    this.#alive = setInterval(onAlive, INTERVAL_MS);
    this.#onChanged = onChanged;
    this.#deaf = listenFor(this.#folders, () => this.#hint());
    this.#later(INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#alive);
    clearTimeout(this.#next);
    this.#isOver = true;
    this.#deaf();
  }

  #later(ms: number): void {
    if (this.#isOver) return;
    clearTimeout(this.#next);
    this.#next = setTimeout(() => this.#lookOnce(), ms);
  }

  #hint(): void {
    if (this.#isHinted) return;
    this.#isHinted = true;
    // During a look the next one is not set yet; it is by its end.
    if (!this.#isLooking) this.#later(Math.max(HINTED_MS, this.#rest));
  }

  #lookOnce(): void {
    const begun = monotonicMs();
    this.#isHinted = false;
    this.#isLooking = true;
    this.#looking = this.#look(false)
      // The last look says what is wrong; a folder may be in the middle of anything now.
      .catch(() => {})
      .then(() => {
        this.#isLooking = false;
        this.#rest = MOST_SHARE * (monotonicMs() - begun);
        this.#later(Math.max(this.#isHinted ? HINTED_MS : INTERVAL_MS, this.#rest));
      });
  }

  async #look(isLast: boolean): Promise<void> {
    for (const live of this.#folders) {
      const { taken, isWhole } = await live.look({ isLast, onKnown: this.#onChanged });
      for (const one of taken)
        this.#tell(denialOf(one, live.folder, this.#quarantine), one.restored && !isLast);
      if (isLast && !isWhole) this.#say(partly(live.folder));
    }
  }

  /** What was put back may have been the person's own change, and they should not wait for the end to hear of it. */
  #tell(denial: Denial, now: boolean): void {
    this.denials.push(denial);
    if (now) this.#say(`refused ${denial.what} (${denial.layer}: ${denial.rule}). ${denial.remedy}`);
  }

  async finish(): Promise<void> {
    this.stop();
    await this.#looking;
    await this.#look(true);
  }
}
