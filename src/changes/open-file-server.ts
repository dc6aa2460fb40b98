import { spawn } from "node:child_process";
import type { Entry } from "../model/index.ts";
import { Conversation } from "./file-conversation.ts";
import { type FileFault, fileError, readablePath } from "./file-error.ts";
import type {
  CopyAs,
  FileCopy,
  FileFinder,
  FileRoot,
  FileServer,
  Found,
  Held,
  Known,
  LayerEntry,
  LayerMaker,
  Place,
  Replaced,
} from "./file-server.ts";
import {
  decodeEntries,
  decodeEntry,
  decodeFound,
  decodeListing,
  decodeNamed,
  decodeReplaced,
  encodeRequest,
  type Field,
  maxPathBytes,
  type Operation,
} from "./file-wire.ts";
import { scanTree } from "./scan-tree.ts";

export interface FileServerOptions {
  /**
   * Whether overlayfs keeps its marks in `user.overlay.*`, as it does where a user mounted it. Left out: unless Workcell is
   * root. The other kind can be set by a program in a cell, and means nothing.
   */
  readonly userXattr?: boolean;
  /** The layers are Workcell's own, made from copies: no attribute of overlayfs's means anything. */
  readonly ownMarks?: boolean;
}

/** `cellfiles` behind the contract. */
class CellfilesServer implements FileServer, FileFinder, LayerMaker {
  readonly #conversation: Conversation;
  readonly #roots: readonly string[];

  constructor(conversation: Conversation, roots: readonly string[]) {
    this.#conversation = conversation;
    this.#roots = roots;
  }

  /** A place as a person reads it. */
  #name({ root, path }: Place): string {
    const folder = this.#roots[root] ?? "";
    return `"${readablePath(path === "" ? folder : `${folder}/${path}`)}"`;
  }

  #ask(attempt: () => string, operation: Operation, fields: readonly Field[]): Promise<Buffer> {
    const fault = this.#fault(fields);
    if (fault !== undefined) return Promise.reject(fileError(attempt(), fault));
    return this.#conversation.ask(attempt, encodeRequest(operation, fields));
  }

  /** What cannot be said in a request. */
  #fault(fields: readonly Field[]): FileFault | undefined {
    for (const field of fields) {
      const root = "place" in field ? field.place.root : "root" in field ? field.root : 0;
      if (this.#roots[root] === undefined) return { code: "EBADF", step: "find the root" };
      if (!("place" in field)) continue;
      if (field.place.path.length > maxPathBytes) return { code: "ENAMETOOLONG", step: "say the path" };
      if (/[\0\u0100-\uffff]/.test(field.place.path)) return { code: "EINVAL", step: "say the path" };
    }
    return undefined;
  }

  async #made(attempt: () => string, operation: Operation, fields: readonly Field[]): Promise<Entry> {
    const entry = decodeEntry(await this.#ask(attempt, operation, fields));
    if (entry !== undefined) return entry;
    throw fileError(attempt(), { code: "EPROTO", step: "say what was made" });
  }

  async stat(place: Place): Promise<Entry | undefined> {
    return decodeEntry(await this.#ask(() => `look at ${this.#name(place)}`, "stat", [{ place }]));
  }

  async lookAt(folder: Place, names: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const texts = names.map((text) => ({ text }));
    return decodeNamed(
      await this.#ask(() => `look into ${this.#name(folder)}`, "look", [{ place: folder }, ...texts]),
    );
  }

  scan(place: Place, how?: { readonly marksDeep: true }): Promise<readonly LayerEntry[]> {
    const list = async (path: string) => {
      // What is below it has a descriptor of its own; only the place itself can be held.
      const folder = path === place.path ? place : { root: place.root, path };
      const bytes = await this.#ask(() => `list ${this.#name(folder)}`, "list", [{ place: folder }]);
      return decodeListing(bytes, path);
    };
    return scanTree(list, place.path, how?.marksDeep);
  }

  async read(place: Place, offset: number, length: number): Promise<Uint8Array> {
    const attempt = () => `read ${this.#name(place)}`;
    return this.#ask(attempt, "read", [{ place }, { u64: offset }, { u32: length }]);
  }

  async isSame(one: Place, other: Place): Promise<boolean> {
    const attempt = () => `compare ${this.#name(one)} with ${this.#name(other)}`;
    return (await this.#ask(attempt, "compare", [{ place: one }, { place: other }]))[0] === 1;
  }

  copy(from: Place, to: Place, as: CopyAs): Promise<Entry> {
    const attempt = () => `copy ${this.#name(from)} to ${this.#name(to)}`;
    return this.#made(attempt, "copy", [{ place: from }, { place: to }, { as }]);
  }

  async copyFiles(from: Place, to: Place, files: readonly FileCopy[]): Promise<readonly Entry[]> {
    const attempt = () => `copy files of ${this.#name(from)} to ${this.#name(to)}`;
    const fields = files.flatMap((file) => [{ text: file.from }, { text: file.to }, { as: file.as }]);
    const entries = decodeEntries(
      await this.#ask(attempt, "copies", [{ place: from }, { place: to }, ...fields]),
    );
    if (entries.length === files.length) return entries;
    throw fileError(attempt(), { code: "EPROTO", step: "say what was made" });
  }

  makeDirectory(place: Place, as: CopyAs): Promise<Entry> {
    return this.#made(() => `make the folder ${this.#name(place)}`, "folder", [{ place }, { as }]);
  }

  async link(from: Place, to: Place): Promise<void> {
    const attempt = () => `link ${this.#name(from)} to ${this.#name(to)}`;
    await this.#ask(attempt, "link", [{ place: from }, { place: to }]);
  }

  setAttributes(place: Place, as: CopyAs, from: Place): Promise<Entry> {
    const attempt = () => `set the attributes of ${this.#name(place)}`;
    return this.#made(attempt, "attributes", [{ place }, { as }, { place: from }]);
  }

  async exchange(one: Place, other: Place): Promise<void> {
    const attempt = () => `exchange ${this.#name(one)} with ${this.#name(other)}`;
    await this.#ask(attempt, "exchange", [{ place: one }, { place: other }]);
  }

  async replace(
    at: Held,
    { beside, kept, known }: { readonly beside: Held; readonly kept: Place; readonly known: Known },
  ): Promise<Replaced> {
    const attempt = () => `replace ${this.#name(at)} by ${this.#name(beside)}`;
    const places = [{ place: at }, { place: beside }, { place: kept }];
    return decodeReplaced(await this.#ask(attempt, "replace", [...places, { known }]));
  }

  async rename(from: Place, to: Place): Promise<void> {
    const attempt = () => `rename ${this.#name(from)} to ${this.#name(to)}`;
    await this.#ask(attempt, "rename", [{ place: from }, { place: to }]);
  }

  async remove(place: Place): Promise<void> {
    await this.#ask(() => `remove ${this.#name(place)}`, "remove", [{ place }]);
  }

  async clear(folder: Place, names: readonly string[]): Promise<void> {
    const texts = names.map((text) => ({ text }));
    await this.#ask(() => `clear ${this.#name(folder)}`, "clear", [{ place: folder }, ...texts]);
  }

  async makeWhiteout(place: Place): Promise<void> {
    await this.#ask(() => `take ${this.#name(place)} away in the layer`, "whiteout", [{ place }]);
  }

  async sync(root: FileRoot): Promise<void> {
    await this.#ask(() => `write ${this.#name({ root, path: "" })} to the disk`, "sync", [{ root }]);
  }

  async find(place: Place, names: readonly string[], most: number): Promise<Found> {
    const attempt = () => `look through ${this.#name(place)}`;
    const texts = names.map((text) => ({ text }));
    return decodeFound(await this.#ask(attempt, "find", [{ place }, { u64: most }, ...texts]));
  }

  close(): Promise<void> {
    return this.#conversation.close();
  }
}

/**
 * Starts `cellfiles` over folders, by their canonical absolute paths; it ends with `close`, and dies with this process.
 * Rejects with WC_FILES when one of them cannot be opened.
 */
export async function openFileServer(
  cellfiles: string,
  roots: readonly string[],
  { userXattr = process.geteuid?.() !== 0, ownMarks = false }: FileServerOptions = {},
): Promise<FileServer & FileFinder & LayerMaker> {
  const words = [ownMarks ? "own" : userXattr ? "user" : "trusted", ...roots];
  // It has no use for anything of the environment.
  const program = spawn(cellfiles, words, { cwd: "/", env: {}, stdio: ["pipe", "pipe", "pipe"] });
  const conversation = new Conversation(program);
  const names = roots.map((root) => `"${root}"`).join(", ");
  await conversation.expect(() => `open ${names}`);
  return new CellfilesServer(conversation, roots);
}
