import {
  describeChanges,
  isSummedUp,
  markIgnored,
  statLine,
  summarise,
  summaryLine,
} from "../../changes/index.ts";
import { printable } from "../../lib/printable.ts";
import { namedSession, reviewSession } from "../../session/index.ts";
import { cautions } from "../changes/say.ts";
import { stateOf } from "../changes/words.ts";
import type { CommandContext } from "../command.ts";

/** Paths of which each has a line; the rest is counted. */
const MOST = 20;

/** What the agent changed and nobody has applied yet, a line for each path. */
export async function sumUpChanges(name: string, context: CommandContext): Promise<void> {
  const session = namedSession(stateOf(context), name);
  if (session.live) return;
  const say = (text: string) => void context.stderr.write(text);
  const input = { state: stateOf(context), installation: context.installation, session };
  await reviewSession(
    input,
    () => ({ named: [] }),
    async ({ server, roots, changes: all }, { folder }) => {
      if (all.length === 0) return;
      const place = { server, layer: roots.layer, folder: roots.host };
      const changes = await markIgnored(place, all);
      const visible = changes.filter((change) => !isSummedUp(change));
      say(`\n${printable(folder)}: ${summaryLine(summarise(changes))}\n${cautions(visible)}`);
      for await (const described of describeChanges({ ...place, changes: visible.slice(0, MOST) }))
        say(`  ${statLine(described, { colour: false, width: 80 })}\n`);
      if (visible.length > MOST) say(`  and ${visible.length - MOST} more: workcell diff ${name} --stat\n`);
    },
  );
}
