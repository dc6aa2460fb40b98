import { realpathSync, statSync } from "node:fs";
import path from "node:path";
import type { Environment } from "../environment-layer.ts";
import type { SrtEntry } from "./schema.ts";

/** Where a file of sandbox-runtime's is read, and what its paths start at. */
export interface SrtPlace {
  /** Absolute. */
  readonly file: string;
  readonly cwd: string;
  readonly home: string;
  readonly env: Environment;
}

/** A path as such a file names it. */
export interface NamedPath {
  /** Absolute, as it is spelled. */
  readonly path: string;
  /** With links resolved; the spelled one where there is nothing. */
  readonly real: string;
  readonly is: "folder" | "file" | "pattern" | "absent";
}

function look(place: string): Pick<NamedPath, "real" | "is"> {
  try {
    const real = realpathSync(place);
    return { real, is: statSync(real).isDirectory() ? "folder" : "file" };
  } catch {
    // What the person cannot look up cannot be connected either: connecting is never guessed at.
    return { real: place, is: "absent" };
  }
}

/**
 * A path of such a file: `~` is the home, a relative one starts in the working directory, `/**` at the end is dropped. A
 * name that exists is that name, whatever characters it has.
 */
export function readEntry(entry: SrtEntry, { cwd, home }: Pick<SrtPlace, "cwd" | "home">): NamedPath {
  const text = typeof entry === "string" ? entry.replace(/(?<=.)\/\*\*$/, "") : entry.path;
  const spelled = /^~(\/|$)/.test(text) ? home + text.slice(1) : text;
  const absolute = path.resolve(cwd, spelled);
  const found = look(absolute);
  const isPattern = typeof entry === "string" && found.is === "absent" && /[*?[\]]/.test(text);
  return { path: absolute, ...found, ...(isPattern && { is: "pattern" as const }) };
}
