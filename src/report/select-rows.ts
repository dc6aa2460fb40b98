import { WorkcellError } from "../errors/index.ts";
import { referenceRows } from "./reference.ts";

function pattern(glob: string): RegExp {
  const escaped = glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${escaped}$`);
}

/** Reads `--only ID,GLOB,…` into the ids it names; one that names no row is an error. */
export function selectRowIds(only: string): ReadonlySet<string> {
  const ids = referenceRows.map(({ id }) => id);
  const globs = only.split(",").map((part) => part.trim());
  const chosen = globs.map((glob) => ({ glob, named: ids.filter((id) => pattern(glob).test(id)) }));
  const stray = chosen.find(({ named }) => named.length === 0);
  if (stray !== undefined) {
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot narrow the report to "${stray.glob}" (flag --only): no row has that id`,
      remedy: `Name rows such as os.hostname, or groups: ${groups(ids).join(", ")}`,
    });
  }
  return new Set(chosen.flatMap(({ named }) => named));
}

function groups(ids: readonly string[]): string[] {
  return [...new Set(ids.map((id) => `${id.split(".")[0]}.*`))];
}
