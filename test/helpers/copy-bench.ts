import { statSync } from "node:fs";
import path from "node:path";
import { makeCopy, type OpenInput, type Owners, settleCopy } from "../../src/changes/index.ts";
import { LayerBench } from "./layer-bench.ts";

/** Whom a session's copy belongs to where root made it. */
const sessionUid = 47_000;

/** A folder `host` with a layer of Workcell's own, which commands are run for on a copy of the folder. */
export class CopyBench extends LayerBench {
  get layerFolder(): string {
    return path.join(this.path, "layer");
  }

  get owners(): Owners {
    const own = { uid: this.uid, gid: this.uid };
    if (this.uid === 0) return { folder: own, copy: { uid: sessionUid, gid: sessionUid } };
    return { folder: own, copy: own, groups: [this.uid] };
  }

  get #work() {
    return { cellfiles: this.program, layerFolder: this.layerFolder, owners: this.owners };
  }

  /** `of` is which folder it is thought to be, where that is another. */
  makeCopy(of: { readonly inode?: string } = {}): Promise<void> {
    const folder = path.join(this.path, "host");
    const { dev, ino } = statSync(folder, { bigint: true });
    return makeCopy({ ...this.#work, folder, identity: { device: `${dev}`, inode: `${ino}`, ...of } });
  }

  settle(): Promise<void> {
    return settleCopy(this.#work);
  }

  /** Runs a script of bash in the copy, as the session would. */
  onCopy(script: string): string {
    const drop = `setpriv --reuid=${sessionUid} --regid=${sessionUid} --clear-groups`;
    // Those who walk there by relative paths only.
    this.shell("chmod 755 . layer");
    return this.shell(
      `cd layer/copy; ${this.uid === 0 ? drop : ""} bash -eu <<'__SCRIPT__'\n${script}\n__SCRIPT__`,
    );
  }

  /** A whole run: a copy, a script in it, and what it did taken over into the layer. */
  async inCopy(script: string): Promise<string> {
    await this.makeCopy();
    const said = this.onCopy(script);
    await this.settle();
    return said;
  }

  override input(named: readonly string[] = []): OpenInput {
    const input = super.input(named);
    return { ...input, place: { ...input.place, isCopy: true } };
  }
}
