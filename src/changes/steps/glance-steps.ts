import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { codeOf } from "../../errors/index.ts";

/** What can be said of a step without reading it: a journal of many paths takes its time. */
export interface Glanced {
  readonly folder: string;
  /** False: it is certainly done, and nothing of it is open. */
  readonly mayBeOpen: boolean;
}

const HEAD = 32 * 1024;

function glance(file: string): Glanced | undefined {
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
  const head = text.slice(0, HEAD);
  // Within a text every quotation mark has a backslash before it.
  const [, folder] = /"folder":("(?:[^"\\]|\\.)*")/.exec(head) ?? [];
  const mayBeOpen = !head.includes('"state":"done"') || text.includes('"open":true');
  try {
    return { folder: JSON.parse(Buffer.from(folder ?? '""', "latin1").toString()) as string, mayBeOpen };
  } catch {
    return { folder: "", mayBeOpen: true }; // Damaged: whoever reads it is told.
  }
}

/** Looks at a session's steps from afar: in which folders they are, and which may have been left in the middle. */
export function glanceSteps(steps: string): readonly Glanced[] {
  let names: readonly string[];
  try {
    names = readdirSync(steps);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
  return names
    .filter((name) => /^[1-9]\d*$/.test(name))
    .flatMap((name) => glance(path.join(steps, name, "journal.json")) ?? []);
}
