import { readFileSync } from "node:fs";
import path from "node:path";
import type { Desk } from "./run-workcell.ts";

const program = path.join(import.meta.dirname, "../fixtures/route-client.mjs");

/** Puts what searches a cell into the desk's folder of files. */
export function placeSearch(desk: Desk): void {
  desk.file("work/search.mjs", readFileSync(program));
}

/**
 * A shell command that searches the cell in which it runs for a text: its files, and environment, words and memory of
 * each of its processes. The text stands nowhere whole in it.
 */
export function searchFor(text: string): string {
  const turned = Buffer.from([...Buffer.from(text)].map((byte) => byte ^ 0x55)).toString("hex");
  return `node --input-type=module -e "$(cat search.mjs)" -- search ${turned}`;
}
