import { once } from "node:events";
import {
  type DescribedChange,
  describeChanges,
  isSummedUp,
  jsonChange,
  markIgnored,
  type OpenLayer,
  patchOf,
  shownPatch,
  statLine,
  summarise,
  summaryLine,
} from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { JudgedChange } from "../../model/index.ts";
import { chooseSession, type KnownSession, reviewSession } from "../../session/index.ts";
import { openPager, type Shown } from "../changes/pager.ts";
import { cautions, counted } from "../changes/say.ts";
import { nothingThere, selectChanges } from "../changes/select.ts";
import { pathsIn, readWords, stateOf } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

interface Showing {
  readonly session: KnownSession;
  readonly folder: string;
  readonly open: OpenLayer;
  readonly changes: readonly JudgedChange[];
  readonly flags: FlagValues;
  readonly shown: Shown;
}

const describe = ({ open, changes }: Pick<Showing, "open" | "changes">, withBinaries = false) =>
  describeChanges({
    server: open.server,
    layer: open.roots.layer,
    folder: open.roots.host,
    changes,
    ...(withBinaries && { withBinaries }),
  });

async function put({ shown }: Showing, text: string): Promise<void> {
  // Whoever reads may have left; then nobody misses the rest.
  if (shown.out.writable && !shown.out.write(text))
    await Promise.race([once(shown.out, "drain"), once(shown.out, "close")]);
}

const ignoredLine = (count: number) =>
  `\n${counted(count, "path")} that the folder's .gitignore ignores: --ignored shows them\n`;

async function showText(showing: Showing): Promise<void> {
  const { session, folder, changes, flags, shown } = showing;
  const visible = flags.has("ignored") ? changes : changes.filter((change) => !isSummedUp(change));
  await put(showing, `session ${session.name} · ${printable(folder)}\n${summaryLine(summarise(changes))}\n`);
  await put(showing, cautions(visible));
  if (visible.length > 0) await put(showing, "\n");
  for await (const described of describe({ ...showing, changes: visible })) {
    const { colour, width } = shown;
    const text = flags.has("stat")
      ? `${statLine(described, { colour, width })}\n`
      : shownPatch(patchOf(described), { colour });
    await put(showing, text);
  }
  const hidden = changes.length - visible.length;
  if (hidden > 0) await put(showing, ignoredLine(hidden));
}

/** Bytes as they are: for `git apply` and `patch -p1`. */
async function showPatch(showing: Showing): Promise<void> {
  for await (const described of describe(showing, true)) {
    const bytes = Buffer.from(patchOf(described), "latin1");
    if (!showing.shown.out.write(bytes)) await once(showing.shown.out, "drain");
  }
}

async function jsonOf(showing: Showing) {
  const all: DescribedChange[] = [];
  for await (const described of describe(showing)) all.push(described);
  const { session, folder, changes } = showing;
  return { session: session.name, folder, summary: summarise(changes), changes: all.map(jsonChange) };
}

async function showLayers(
  flags: FlagValues,
  words: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { name, paths } = readWords(words, context);
  const state = stateOf(context);
  const session = chooseSession(state, name, "changes");
  const asJson = flags.has("json");
  const isPatch = flags.text("output") === "patch";
  const shown = asJson || isPatch ? { ...openPlain(context) } : openPager(context);
  const input = { state, installation: context.installation, session };
  const named = (folder: string) => pathsIn(paths, folder, context.cwd);
  const shownLayers = await reviewSession(
    input,
    ({ folder }) => named(folder),
    async (open, { folder }) => {
      const selected = selectChanges(open.changes, named(folder));
      if (paths.length > 0 && named(folder).length === 0) return { count: 0 };
      const roots = { server: open.server, layer: open.roots.layer, folder: open.roots.host };
      const changes = await markIgnored(roots, selected);
      const showing = { session, folder, open, changes, flags, shown };
      if (asJson) return { count: changes.length, json: await jsonOf(showing) };
      await (isPatch ? showPatch : showText)(showing);
      return { count: changes.length };
    },
  );
  await shown.finish();
  if (asJson) {
    const layers = shownLayers.flatMap(({ json }) => (json === undefined ? [] : [json]));
    context.stdout.write(`${JSON.stringify({ schema: "workcell.diff/1", layers })}\n`);
  }
  const count = shownLayers.reduce((sum, one) => sum + one.count, 0);
  if (count === 0 && paths.length > 0) throw nothingThere(paths, session.name);
  if (shownLayers.length === 0 && !asJson)
    context.stderr.write(`workcell: session ${session.name} has no changes that wait\n`);
  return 0;
}

const openPlain = (context: CommandContext): Shown => ({
  out: context.stdout,
  colour: false,
  width: 80,
  finish: async () => {},
});

export const diff: Command = {
  name: "diff",
  summary: "show what a session changed in folders connected for review",
  usage: "[FLAGS] [SESSION] [PATH...]",
  flags: [
    { name: "stat", help: "one line for each path instead of the patch" },
    { name: "ignored", help: "show what the folder's own .gitignore ignores, too" },
    { name: "output", value: "patch", help: "the patch alone, as git apply and patch -p1 take it" },
    { name: "json", help: "print the changes as JSON" },
  ],
  example: "workcell diff --stat",
  async run(flags, words, context) {
    const output = flags.text("output");
    if (output !== undefined && output !== "patch") {
      throw new WorkcellError("WC_USAGE", {
        message: `Cannot show the changes as "${output}" (flag --output): the only form is patch`,
        remedy: "Write --output patch, or --json",
      });
    }
    return showLayers(flags, words, context);
  },
};
