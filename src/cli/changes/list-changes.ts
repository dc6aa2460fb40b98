import {
  binaryPaths,
  type DescribedChange,
  describeChanges,
  isSummedUp,
  markIgnored,
  type OpenLayer,
  statLine,
  summarise,
  summaryLine,
} from "../../changes/index.ts";
import { printable } from "../../lib/printable.ts";
import { cautions } from "./say.ts";

/** Paths of which each has a line; the rest is counted. */
const MOST = 20;

/** What a session changed in a folder: how much, what needs the person's eye, a line for each path. */
export async function listChanges(
  { server, roots, changes: all }: OpenLayer,
  about: { readonly session: string; readonly folder: string },
  say: (text: string) => void,
): Promise<void> {
  const place = { server, layer: roots.layer, folder: roots.host };
  const changes = await markIgnored(place, all);
  const visible = changes.filter((change) => !isSummedUp(change));
  const shown: DescribedChange[] = [];
  for await (const described of describeChanges({ ...place, changes: visible.slice(0, MOST) }))
    shown.push(described);
  const counts = summarise(changes, binaryPaths(shown));
  say(`${printable(about.folder)}: ${summaryLine(counts)}\n${cautions(visible)}`);
  for (const described of shown) say(`  ${statLine(described, { colour: false, width: 80 })}\n`);
  if (visible.length > MOST)
    say(`  and ${visible.length - MOST} more: workcell diff ${about.session} --stat\n`);
}
