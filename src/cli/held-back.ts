import { lstatSync } from "node:fs";
import path from "node:path";
import { whyProtected } from "../changes/index.ts";
import { isInside } from "../lib/is-inside.ts";
import { realPlace } from "../lib/real-place.ts";
import type { Answer, FolderRule, FoundPath, HostFacts, Policy, Settings } from "../model/index.ts";
import { typed } from "./typed.ts";

/** What a connected folder keeps back of what is in it. */
export interface KeptBack {
  readonly facts: Pick<HostFacts, "ruledPaths" | "absentPaths">;
  readonly settings: Pick<Settings, "allowPaths">;
}

interface Asked {
  readonly place: string;
  readonly access: "read" | "write";
  /** Where a relative path starts. */
  readonly cwd: string;
}

/** The innermost connected folder that a path lies in. */
export function folderAround({ folders }: Policy, place: string): FolderRule | undefined {
  const around = folders.filter(({ source }) => isInside(place, source));
  return around.sort((one, other) => other.source.length - one.source.length)[0];
}

/** Of the rules of a settings file that a path lies in, the nearest that says whether it is seen. */
function nearest(rules: readonly FoundPath[], place: string): FoundPath | undefined {
  return rules
    .filter((rule) => rule.effect !== "freeze" && isInside(place, rule.path))
    .sort((a, b) => b.path.length - a.path.length || (a.effect === "show" ? -1 : 1))[0];
}

function ruled(asked: Asked, { source }: FolderRule, { facts }: KeptBack): Answer | undefined {
  const { place, access } = asked;
  const { ruledPaths = [], absentPaths = [] } = facts;
  const rules = ruledPaths.filter((rule) => isInside(rule.path, source));
  const kept = (what: string, origin: string): Answer => ({
    ...{ decision: "deny", layer: "files", rule: what, origin },
    remedy: `take the path out of what is ${what}: ${origin}`,
  });
  const seen = nearest(rules, place);
  if (seen?.effect === "hide") return kept("not to be read", seen.origin);
  if (access === "read") return undefined;
  const isHidden = rules.some((rule) => rule.effect === "hide" && isInside(place, rule.path));
  const frozen =
    ruledPaths.find((rule) => rule.effect === "freeze" && isInside(place, rule.path)) ??
    absentPaths.find((one) => isInside(place, one.path)) ??
    (isHidden ? seen : undefined);
  return frozen === undefined ? undefined : kept("not to be written", frozen.origin);
}

function isAt(place: string): "file" | "directory" | "absent" {
  const found = lstatSync(place, { throwIfNoEntry: false });
  if (found === undefined) return "absent";
  return found.isDirectory() ? "directory" : "file";
}

/** What of a connected folder a command does not get, though it gets the folder; undefined: it does. */
export function heldBack(asked: Asked, folder: FolderRule, kept: KeptBack): Answer | undefined {
  const { place, access, cwd } = asked;
  const byRule = ruled(asked, folder, kept);
  if (byRule !== undefined || access === "read" || folder.mode !== "rw") return byRule;
  const named = (kept.settings.allowPaths ?? []).map(({ value }) => {
    const given = path.resolve(cwd, value);
    return path.join(realPlace(path.dirname(given)), path.basename(given));
  });
  const why = whyProtected({ folder: folder.source, place, is: isAt(place), named });
  if (why === undefined) return undefined;
  return {
    decision: "deny",
    layer: "files",
    rule: `protected: ${why}`,
    origin: "built in",
    remedy: `workcell run -m ${typed(`${folder.source}:rw`)} --allow-path ${typed(place)}`,
  };
}
