import { statSync } from "node:fs";
import path from "node:path";
import { type OpenInput, type OpenLayer, openLayer } from "../../src/changes/index.ts";
import type { JudgedChange } from "../../src/model/index.ts";
import { FileBench, type Starter } from "./file-bench.ts";

/**
 * A folder `host` with an overlay over it, whose upper layer is `layer/upper`, as a cell would have it; and the room
 * that reads, applies and undoes it, at work as the starter.
 */
export class LayerBench extends FileBench {
  readonly #cellfiles: string;
  readonly #opened: OpenLayer[] = [];

  constructor(starter: Starter, cellfiles: string) {
    super(starter, cellfiles);
    this.#cellfiles = path.join(path.dirname(this.path), "cellfiles");
    this.shell("mkdir -p host layer/upper layer/work layer/merged steps");
  }

  /** The program that the folders are worked on with. */
  get program(): string {
    return this.#cellfiles;
  }

  /** Runs a script of bash in the overlay, which is mounted for that time alone. */
  inLayer(script: string): string {
    const isRoot = this.uid === 0;
    const options = isRoot ? "redirect_dir=off,metacopy=off,index=off" : "userxattr";
    const own = isRoot ? "unshare -m" : "unshare -U --map-current-user -m --keep-caps";
    return this.shell(
      `${own} bash -euc 'mount -t overlay ov -o ${options},lowerdir=host,upperdir=layer/upper,workdir=layer/work layer/merged
       cd layer/merged; exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all bash -eu' <<'__SCRIPT__'\n${script}\n__SCRIPT__`,
    );
  }

  /** What the layer is opened with; `named` are paths that the person named. */
  input(named: readonly string[] = []): OpenInput {
    const folder = path.join(this.path, "host");
    const { dev, ino } = statSync(folder, { bigint: true });
    return {
      cellfiles: this.#cellfiles,
      place: {
        ...{ id: "1", folder, upper: path.join(this.path, "layer/upper"), mode: "review" },
        ...{ identity: { device: String(dev), inode: String(ino) }, baseTimeNs: this.baseTimeNs },
      },
      ...{ steps: path.resolve(this.path, this.steps), named, userXattr: this.uid !== 0 },
      ...(this.lanesFrom !== undefined && { lanesFrom: this.lanesFrom }),
    };
  }

  async open(named: readonly string[] = []): Promise<OpenLayer> {
    const opened = await openLayer(this.input(named));
    this.#opened.push(opened);
    return opened;
  }

  /** From how many files on more than one process works on them. */
  lanesFrom?: number;

  /** Where steps are kept. An absolute path may lie on another file system. */
  steps = "steps";

  /** The time at which the folder was connected. */
  baseTimeNs = 0n;

  /** The kernel's clock, as it stamps files: later than all that was written before, for it stands still for some ms at a time. */
  now(): bigint {
    const stamped = () => {
      this.shell("touch clock");
      return statSync(path.join(this.path, "clock"), { bigint: true }).ctimeNs;
    };
    const before = stamped();
    for (;;) {
      const now = stamped();
      if (now > before) return now;
    }
  }

  /** Applies everything that is neither refused nor in conflict. */
  async applyAll(): Promise<OpenLayer> {
    const opened = await this.open();
    await opened.apply(
      opened.changes.filter((change) => change.class !== "refused" && change.conflict === undefined),
    );
    return opened;
  }

  /** What a tree holds: names, types, bits, sizes, sums and link targets, as text. */
  tree(folder: string): string {
    return this.shell(
      `cd ${folder}; find . -mindepth 1 -printf '%p|%y|%m|%l|' \\( -type f -exec sh -c 'sha256sum < "$1" | cut -c1-12' _ {} \\; -o -printf '\\n' \\) | LC_ALL=C sort`,
    );
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#opened) await opened.close();
    await super[Symbol.asyncDispose]();
  }
}

/** A change in one word and its path. */
export const brief = ({ kind, path: name }: JudgedChange) => `${kind} ${name}`;
