import { protectedPaths } from "../protected-paths.ts";
import { repositoryParts } from "../repository-parts.ts";

/** What to look for so that nothing of the refused class is missed (see FileFinder). */
export function wantedNames(): readonly string[] {
  const names = new Set(repositoryParts.map((name) => `e${name}`));
  for (const { pattern, class: ofClass } of protectedPaths) {
    if (ofClass !== "refused") continue;
    const parts = pattern.replace(/\/$/, "").split("/");
    for (const [index, part] of parts.entries()) {
      if (index === parts.length - 1) names.add(`e${part}`);
      else if (!part.includes("*")) names.add(`l${part}`);
      // A link of any name there stands for what the pattern goes on with.
      if (parts[index + 1]?.includes("*") && index + 1 < parts.length - 1) names.add(`t${part}`);
    }
  }
  return [...names];
}
