import { once } from "node:events";
import {
  describeChanges,
  isSummedUp,
  markIgnored,
  type OpenLayer,
  patchOf,
  shownPatch,
} from "../../changes/index.ts";
import type { CommandContext } from "../command.ts";
import { openPager } from "./pager.ts";

/** The changes themselves, for a person who is asked about them: through the pager, or where the question stands. */
export async function showChanges(
  { server, roots, changes: all }: OpenLayer,
  context: CommandContext,
): Promise<void> {
  const place = { server, layer: roots.layer, folder: roots.host };
  const changes = (await markIgnored(place, all)).filter((change) => !isSummedUp(change));
  const shown = openPager(context);
  const out = shown.isTerminal ? shown.out : context.stderr;
  try {
    for await (const described of describeChanges({ ...place, changes })) {
      // Whoever reads may have left.
      if (!out.writable) return;
      if (!out.write(shownPatch(patchOf(described), shown)))
        await Promise.race([once(out, "drain"), once(out, "close")]);
    }
  } finally {
    await shown.finish();
  }
}
