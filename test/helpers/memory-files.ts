import type { FileFinder, FileRoot, FileServer, LayerEntry, Place } from "../../src/changes/file-server.ts";
import type { BytePath, Entry } from "../../src/model/index.ts";

/** What a test puts at a path; what it does not say is ordinary. */
export interface MemoryEntry extends Partial<Omit<Entry, "size">> {
  readonly content?: string | Uint8Array;
  readonly whiteout?: boolean;
  readonly opaque?: boolean;
}

/** A path to its content, or to more than that. Folders above are made by themselves. */
export type MemoryTree = Readonly<Record<BytePath, string | MemoryEntry>>;

interface Kept extends LayerEntry {
  readonly content: Buffer;
}

export interface MemoryFiles extends FileServer, FileFinder {
  /** The calls that were made, by name. */
  readonly calls: Readonly<Record<string, number>>;
}

function keep(path: BytePath, said: string | MemoryEntry, inode: bigint): Kept {
  const entry: MemoryEntry = typeof said === "string" ? { content: said } : said;
  const type = entry.type ?? (entry.target === undefined ? "file" : "symlink");
  const content = Buffer.from(entry.content ?? "");
  const { content: _content, ...rest } = entry;
  return {
    mode: type === "directory" ? 0o755 : 0o644,
    uid: 1000,
    gid: 1000,
    mtimeNs: 0n,
    ctimeNs: 0n,
    device: 1n,
    inode,
    links: 1,
    whiteout: false,
    opaque: false,
    ...rest,
    type: entry.whiteout === true ? "device" : type,
    path,
    size: type === "file" ? content.length : 0,
    content,
  };
}

function keepTree(tree: MemoryTree, firstInode: bigint): Map<BytePath, Kept> {
  const kept = new Map<BytePath, Kept>();
  const add = (path: BytePath, said: string | MemoryEntry) =>
    kept.set(path, keep(path, said, firstInode + BigInt(kept.size)));
  for (const [path, said] of Object.entries(tree)) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join("/");
      if (!kept.has(folder) && tree[folder] === undefined) add(folder, { type: "directory" });
    }
    add(path, said);
  }
  return kept;
}

/** A file server over trees in memory, root 0 the first of them. It reads only: what writes rejects. */
export function memoryFiles(...trees: readonly MemoryTree[]): MemoryFiles {
  const roots = trees.map((tree, index) => keepTree(tree, BigInt(index) * 1_000_000n + 2n));
  const calls: Record<string, number> = {};
  const counted = async <T>(name: string, answer: () => T): Promise<T> => {
    calls[name] = (calls[name] ?? 0) + 1;
    return answer();
  };
  const at = ({ root, path }: Place): Kept | undefined => {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++)
      if (roots[root]?.get(parts.slice(0, depth).join("/"))?.type === "symlink")
        throw new Error(`a link stands on the way to "${path}"`, { cause: { code: "ELOOP" } });
    return roots[root]?.get(path);
  };
  const contentAt = (place: Place): Buffer => {
    const kept = at(place);
    if (kept?.type !== "file") throw new Error(`no file stands at "${place.path}"`);
    return kept.content;
  };
  const refuse = async (): Promise<never> => {
    throw new Error("a server over memory only reads");
  };
  return {
    calls,
    stat: (place) => counted("stat", () => at(place) && entryOf(at(place) as Kept)),
    lookAt: ({ root, path }, names) =>
      counted("lookAt", () => {
        const inFolder = (name: string) => at({ root, path: path === "" ? name : `${path}/${name}` });
        const there = names.flatMap((name) => inFolder(name) ?? []);
        return new Map(there.map((kept) => [kept.path.split("/").at(-1) ?? "", entryOf(kept)]));
      }),
    scan: (place) => counted("scan", () => below(roots[place.root] ?? new Map(), place)),
    find: (place, names) =>
      counted("find", () => {
        const wanted = new Set(names.filter((name) => name.startsWith("e")).map((name) => name.slice(1)));
        const all = below(roots[place.root] ?? new Map(), place);
        const met = all.filter(({ path }) => wanted.has((path.split("/").at(-1) ?? "").toLowerCase()));
        return { entries: new Map(met.map((entry) => [entry.path, entry])), unread: [], isCut: false };
      }),
    read: (place, offset, length) =>
      counted("read", () => contentAt(place).subarray(offset, offset + Math.min(length, 1 << 20))),
    isSame: (one, other) => counted("isSame", () => contentAt(one).equals(contentAt(other))),
    copy: refuse,
    makeDirectory: refuse,
    link: refuse,
    setAttributes: refuse,
    exchange: refuse,
    rename: refuse,
    remove: refuse,
    copyFiles: refuse,
    replace: refuse,
    clear: refuse,
    sync: refuse,
    close: async () => undefined,
  };
}

function below(kept: ReadonlyMap<BytePath, Kept>, place: { root: FileRoot; path: BytePath }): LayerEntry[] {
  const prefix = place.path === "" ? "" : `${place.path}/`;
  return [...kept.values()]
    .filter((entry) => entry.path !== "" && entry.path.startsWith(prefix))
    .sort((one, other) => (one.path < other.path ? -1 : 1))
    .map(({ content: _content, ...entry }) => entry);
}

function entryOf({ content: _content, path: _path, whiteout: _w, opaque: _o, ...entry }: Kept): Entry {
  return entry;
}
