import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { ToolFault } from "./tool.ts";

const stamp = ({ ino, size, mtimeNs }: BigIntStats) => `${ino} ${size} ${mtimeNs}`;

/** Which files the agent has read, and as what they stood then: it may change only what it knows. */
export class SeenFiles {
  readonly #stamps = new Map<string, string>();

  /** Remembers a file as it stands now. */
  async see(file: string): Promise<void> {
    this.#stamps.set(file, stamp(await stat(file, { bigint: true })));
  }

  /** Refuses a file that was not read, or that somebody changed since. */
  async mustBeKnown(file: string): Promise<void> {
    const known = this.#stamps.get(file);
    if (known === undefined)
      throw new ToolFault(`"${file}" exists and has not been read yet. Read it before changing it.`);
    if (known !== stamp(await stat(file, { bigint: true })))
      throw new ToolFault(`"${file}" has changed since it was read. Read it again before changing it.`);
  }
}
