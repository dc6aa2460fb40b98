import type { Change } from "../../model/index.ts";
import { type JudgingFacts, judgeChanges } from "../judge-changes.ts";
import { partsAbove } from "./find-protected.ts";

/** A place below a folder that is written to live; both paths are absolute. */
export interface AskedPlace {
  readonly folder: string;
  readonly place: string;
  readonly is: "file" | "directory" | "absent";
  /** What the person allowed by name, absolute. */
  readonly named: readonly string[];
}

const noFacts: JudgingFacts = { inert: new Set(), refused: new Map(), binary: new Set() };

/** Why a command may not write there, as far as names tell; undefined: it may. */
export function whyProtected({ folder, place, is, named }: AskedPlace): string | undefined {
  const below = (path: string) => Buffer.from(path.slice(folder.length + 1)).toString("latin1");
  // Who writes to a folder makes something in it.
  const path = below(is === "directory" ? `${place}/new` : place);
  const change: Change = { path, kind: is === "file" ? "changed" : "added" };
  const above = partsAbove(folder).length > 0 ? { folderPath: folder } : {};
  const namedByPerson = named.filter((one) => one.startsWith(`${folder}/`)).map(below);
  const [judged] = judgeChanges([change], { mode: "review", namedByPerson, facts: noFacts, ...above });
  return judged?.class === "refused" ? judged.reason : undefined;
}
