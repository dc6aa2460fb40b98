import { codeOf } from "../../errors/index.ts";
import type { BytePath, Entry } from "../../model/index.ts";
import { joinPath, parentOf, partsOf } from "../byte-path.ts";
import type { CopyAs, FileRoot, FileServer, Place } from "../file-server.ts";

/** How often one path is taken out and kept; what is planted again after that goes for good. */
const mostOfOne = 20;

const asItIs = ({ mode, uid, gid, mtimeNs }: Entry): CopyAs => ({ mode, uid, gid, mtimeNs });
const ownFolder = (): CopyAs => ({
  mode: 0o700,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  mtimeNs: BigInt(Date.now()) * 1_000_000n,
});

const faultOf = (error: unknown) => (error instanceof Error ? codeOf(error.cause) : undefined);

/** Resolves to undefined where the call failed for one of these reasons. */
async function unless<T>(codes: readonly string[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (codes.includes(faultOf(error) ?? "")) return undefined;
    throw error;
  }
}

export interface AsideInput {
  readonly server: FileServer;
  /** The session's own folder of this cell's quarantine, and that of the kept copies. */
  readonly quarantine: FileRoot;
  readonly kept: FileRoot;
  /** Path below the quarantine's root that all goes to. */
  readonly into: BytePath;
}

/** Where what is taken out of a folder goes, and where copies of what stood there lie. */
export class Aside {
  readonly #input: AsideInput;
  readonly #times = new Map<BytePath, number>();
  #copies = 0;

  constructor(input: AsideInput) {
    this.#input = input;
  }

  /** Copies what stands somewhere, so that it could be put back; nothing, if that cannot be had. */
  async keep(from: Place, entry: Entry): Promise<{ readonly kept?: string }> {
    const { server, kept, into } = this.#input;
    const name = `${into.replaceAll("/", "-")}-${this.#copies++}`;
    const copied = await server.copy(from, { root: kept, path: name }, asItIs(entry)).catch(() => undefined);
    return copied === undefined ? {} : { kept: name };
  }

  async isKept({ kept = "" }: { readonly kept?: string }, place: Place, now: Entry): Promise<boolean> {
    const { server, kept: root } = this.#input;
    const copy = await server.stat({ root, path: kept });
    if (copy?.type !== now.type) return false;
    if (now.type === "symlink") return copy.target === now.target;
    return now.type === "file" && (await server.isSame({ root, path: kept }, place).catch(() => false));
  }

  /** Puts a copy where nothing stands (any more). */
  async putBack(
    { kept, entry }: { readonly kept?: string; readonly entry: Entry },
    place: Place,
  ): Promise<Entry | undefined> {
    if (kept === undefined) return undefined;
    const { server, kept: root } = this.#input;
    const gone = ["EEXIST", "ENOENT", "ENOTDIR", "ELOOP"];
    return unless(gone, server.copy({ root, path: kept }, place, asItIs(entry)));
  }

  /** Moves something out. Undefined: it is gone, or another. Its new path below the quarantine; "" if it went for good. */
  async move(from: Place, entry: Entry): Promise<BytePath | undefined> {
    const { server, quarantine: root, into } = this.#input;
    const times = (this.#times.get(from.path) ?? 0) + 1;
    this.#times.set(from.path, times);
    const path = `${joinPath(into, from.path)}${times === 1 ? "" : `.${times}`}`;
    const gone = ["ENOENT", "ENOTDIR", "ESTALE", "ELOOP"];
    if (times > mostOfOne)
      return (
        (await unless(
          gone,
          server.remove(from).then(() => ""),
        )) ?? undefined
      );
    await this.#makeFolders(parentOf(path));
    try {
      await server.rename(from, { root, path });
      return path;
    } catch (error) {
      const code = faultOf(error) ?? "";
      if (gone.includes(code)) return undefined;
      if (code === "EEXIST") return this.move(from, entry);
      if (code !== "EXDEV") throw error;
    }
    return this.#carry(from, entry, path);
  }

  /** Over to another file system. What is neither a file nor a link means nothing there. */
  async #carry(from: Place, entry: Entry, path: BytePath): Promise<BytePath | undefined> {
    const { server, quarantine: root } = this.#input;
    const gone = ["ENOENT", "ENOTDIR", "ESTALE", "ELOOP"];
    const isCopied = entry.type === "file" || entry.type === "symlink";
    if (isCopied && !(await unless(gone, server.copy(from, { root, path }, asItIs(entry))))) return undefined;
    await unless(gone, server.remove(from));
    return isCopied ? path : "";
  }

  async #makeFolders(folder: BytePath): Promise<void> {
    const { server, quarantine: root } = this.#input;
    const parts = partsOf(folder);
    for (const [index] of parts.entries()) {
      const path = parts.slice(0, index + 1).join("/");
      if ((await server.stat({ root, path })) === undefined)
        await unless(["EEXIST"], server.makeDirectory({ root, path }, ownFolder()));
    }
  }

  /** Takes away a folder that nothing is in any more. */
  async removeEmpty(place: Place): Promise<boolean> {
    return this.#input.server.remove(place).then(
      () => true,
      () => false,
    );
  }
}
