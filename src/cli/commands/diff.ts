import { once } from "node:events";
import {
  besidePatch,
  binaryPaths,
  type DescribedChange,
  describeChanges,
  isSummedUp,
  isUntold,
  type JsonChange,
  jsonChange,
  markIgnored,
  NARROWEST,
  type OpenLayer,
  patchOf,
  shownPatch,
  shownPath,
  statLine,
  summarise,
  summaryLine,
} from "../../changes/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { JudgedChange } from "../../model/index.ts";
import { reviewSession, waitingLayers } from "../../session/index.ts";
import { type Asked, readAsked, sayIfNothing, sayRecovered } from "../changes/asked.ts";
import { openPager, openPlain, type Shown } from "../changes/pager.ts";
import { cautions, counted } from "../changes/say.ts";
import { selectChanges } from "../changes/select.ts";
import { sessionFlag, sessionNote } from "../changes/words.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

interface Showing {
  readonly asked: Asked;
  readonly folder: string;
  readonly open: OpenLayer;
  readonly changes: readonly JudgedChange[];
  readonly flags: FlagValues;
  readonly shown: Shown;
  readonly context: CommandContext;
}

const MOST_BYTES_IN_PATCH = 64 * 1024 * 1024;

const describe = ({ open, changes }: Pick<Showing, "open" | "changes">, withBinaries = false) =>
  describeChanges({
    server: open.server,
    layer: open.roots.layer,
    folder: open.roots.host,
    changes,
    // A patch for programs holds more than anybody reads.
    ...(withBinaries && { withBinaries, treeLimitBytes: MOST_BYTES_IN_PATCH }),
  });

async function put({ shown }: Showing, text: string | Buffer): Promise<void> {
  // Whoever reads may have left; then nobody misses the rest.
  if (shown.out.writable && !shown.out.write(text))
    await Promise.race([once(shown.out, "drain"), once(shown.out, "close")]);
}

/** `git apply` refuses a whole patch for one path of a repository's own. */
const isOfGit = ({ path }: JudgedChange): boolean => path.split("/").includes(".git");

function ignoredLine(hidden: readonly JudgedChange[]): string {
  const git = hidden.filter(isOfGit).length;
  const session = hidden.filter((change) => change.ignoredBySession === true).length;
  const ignored = hidden.length - git - session;
  const marked = hidden.filter((change) => change.class === "marked" && !isOfGit(change)).length;
  const parts = [
    ...(git === 0 ? [] : [`${counted(git, "path")} of git's own (.git)`]),
    ...(ignored === 0 ? [] : [`${counted(ignored, "path")} that the folder's .gitignore ignores`]),
    ...(session === 0
      ? []
      : [`${counted(session, "path")} that a .gitignore which the session wrote ignores`]),
    ...(marked === 0 ? [] : [`${marked} of them marked, as what tools run`]),
  ];
  return `\nnot shown: ${parts.join(", ")}; --ignored shows them\n`;
}

/** What is read before anything is shown, so that the summary knows what is binary, in paths and bytes. */
const MOST_AHEAD = 1000;
const MOST_BYTES_AHEAD = 16 * 1024 * 1024;

/** What all changes do, when that is not much to hold; undefined when it is. */
async function readAhead(showing: Showing): Promise<readonly DescribedChange[] | undefined> {
  const { changes } = showing;
  const sizeOf = ({ before, after }: JudgedChange) => (before?.size ?? 0) + (after?.size ?? 0);
  const bytes = changes.reduce((sum, change) => sum + sizeOf(change), 0);
  if (changes.length > MOST_AHEAD || bytes > MOST_BYTES_AHEAD) return undefined;
  const all: DescribedChange[] = [];
  for await (const described of describe(showing)) all.push(described);
  return all;
}

const fitsBeside = ({ isTerminal, width }: Shown): boolean => isTerminal && width >= NARROWEST;

/** The two versions of a conflict stand side by side, where a person reads them and there is room. */
function patchText(described: DescribedChange, shown: Shown): string {
  const patch = patchOf(described);
  return described.change.conflict !== undefined && fitsBeside(shown)
    ? besidePatch(patch, shown)
    : shownPatch(patch, shown);
}

async function showText(showing: Showing): Promise<void> {
  const { asked, folder, changes, flags, shown } = showing;
  const { colour, width } = shown;
  const isShown = (change: JudgedChange) => flags.has("ignored") || !isSummedUp(change);
  const visible = changes.filter(isShown);
  const head = `session ${asked.session.name} · ${printable(folder)}`;
  const ahead = await readAhead({ ...showing, changes: visible });
  const counts = summarise(visible, binaryPaths(ahead ?? []));
  const summary = visible.length === 0 && changes.length > 0 ? "" : `${summaryLine(counts)}\n`;
  await put(showing, `${colour ? `\x1b[1m${head}\x1b[0m` : head}\n${summary}`);
  await put(showing, cautions(visible, colour));
  const isConflict = visible.some(({ conflict }) => conflict !== undefined);
  if (!flags.has("stat") && isConflict && !fitsBeside(shown))
    await put(showing, "  in a conflict - is the folder's version, + the session's\n");
  if (visible.length > 0) await put(showing, "\n");
  const nameWidth = visible.reduce((most, change) => Math.max(most, shownPath(change.path).length), 0);
  // In a file or a pipe nothing is shortened.
  const columns = shown.isTerminal ? width : Math.max(width, 2 * nameWidth);
  let binary = 0;
  for await (const described of ahead ?? describe({ ...showing, changes: visible })) {
    binary += binaryPaths([described]).size;
    await put(
      showing,
      flags.has("stat")
        ? `${statLine(described, { colour, width: columns, nameWidth })}\n`
        : patchText(described, shown),
    );
    if (!shown.out.writable) return;
  }
  // Of many it is known only now.
  if (ahead === undefined && binary > 0) await put(showing, `\n${binary} of them binary\n`);
  const hidden = changes.filter((change) => !isShown(change));
  if (hidden.length > 0) await put(showing, ignoredLine(hidden));
}

const MOST_UNTOLD = 5;

function untoldLine(what: readonly string[]): string {
  const named = what.slice(0, MOST_UNTOLD).join(", ");
  const more = what.length > MOST_UNTOLD ? ` and ${what.length - MOST_UNTOLD} more` : "";
  return `workcell: too large for a patch, and not in it: ${named}${more}; workcell apply carries all over\n`;
}

/** Bytes as they are: for `git apply` and `patch -p1`. What nobody named and would be in their way is left out. */
async function showPatch(showing: Showing): Promise<void> {
  const { asked, folder, changes, flags, context } = showing;
  const isNamed = asked.below(folder) !== undefined;
  const fits = (change: JudgedChange) =>
    isNamed ||
    (change.class !== "refused" && !isOfGit(change) && (flags.has("ignored") || !isSummedUp(change)));
  const fitting = changes.filter(fits);
  const untold: string[] = [];
  for await (const described of describe({ ...showing, changes: fitting }, true)) {
    const patch = patchOf(described);
    // A terminal is shown it, and must not be steered by it.
    const text = showing.shown.isTerminal
      ? shownPatch(patch, { colour: false })
      : Buffer.from(patch, "latin1");
    await put(showing, text);
    const { rest, change } = described;
    if (rest !== undefined) untold.push(`${counted(rest.files, "file")} in ${shownPath(change.path)}`);
    untold.push(...described.files.flatMap(({ path, body }) => (isUntold(body) ? [shownPath(path)] : [])));
  }
  if (untold.length > 0) context.stderr.write(untoldLine(untold));
  const left = changes.length - fitting.length;
  if (left > 0)
    context.stderr.write(
      `workcell: ${counted(left, "path")} left out of the patch, refused, in .git or ignored: name them to have them in it\n`,
    );
}

/** Only what is told of each change is held: what they contain together may be more than fits. */
async function jsonOf(showing: Showing) {
  const told: JsonChange[] = [];
  const binary = new Set<string>();
  for await (const described of describe(showing)) {
    told.push(jsonChange(described));
    for (const path of binaryPaths([described])) binary.add(path);
  }
  const { asked, folder, changes } = showing;
  return {
    ...{ session: asked.session.name, folder, summary: summarise(changes, binary) },
    changes: told,
  };
}

/** Paths in a patch are below one folder. */
function mustBeOneFolder({ session, select }: Asked): void {
  const folders = waitingLayers(session).flatMap((layer) =>
    select(layer) === undefined ? [] : [layer.folder],
  );
  if (folders.length < 2) return;
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot put the changes of ${counted(folders.length, "folder")} into one patch: ${folders.map((one) => `"${printable(one)}"`).join(", ")}`,
    remedy: "Name the folder: workcell diff --output patch DIR",
  });
}

async function showLayers(asked: Asked, flags: FlagValues, context: CommandContext): Promise<number> {
  const asJson = flags.has("json");
  const isPatch = flags.text("output") === "patch";
  if (isPatch) mustBeOneFolder(asked);
  const shown = asJson || isPatch ? openPlain(context) : openPager(context);
  try {
    const layers = await reviewSession(asked.input, asked.select, async (open, { folder }) => {
      sayRecovered(open.recovered, open.steps, context);
      asked.check(folder, open.changes);
      const roots = { server: open.server, layer: open.roots.layer, folder: open.roots.host };
      const changes = await markIgnored(roots, selectChanges(open.changes, asked.below(folder)));
      const showing = { asked, folder, open, changes, flags, shown, context };
      if (asJson) return { count: changes.length, json: await jsonOf(showing) };
      if (changes.length > 0) await (isPatch ? showPatch : showText)(showing);
      return { count: changes.length };
    });
    if (asJson) {
      const all = layers.flatMap(({ json }) => (json === undefined ? [] : [json]));
      context.stdout.write(`${JSON.stringify({ schema: "workcell.diff/1", layers: all })}\n`);
    }
    sayIfNothing(
      layers.reduce((sum, { count }) => sum + count, 0),
      asked,
      context,
    );
  } finally {
    await shown.finish();
  }
  return 0;
}

export const diff: Command = {
  name: "diff",
  summary: "show what a session changed in folders connected for review",
  usage: "[FLAGS] [SESSION] [PATH...]",
  notes: [sessionNote],
  flags: [
    { name: "stat", help: "one line for each path instead of the patch" },
    { name: "ignored", help: "show what the folder's own .gitignore ignores, too" },
    { name: "output", value: "patch", help: "the patch alone, as git apply and patch -p1 take it" },
    { name: "json", help: "print the changes as JSON" },
    sessionFlag,
  ],
  example: "workcell diff --stat",
  async run(flags, words, context) {
    const output = flags.text("output");
    if (output !== undefined && output !== "patch") {
      throw new WorkcellError("WC_USAGE", {
        message: `Cannot show the changes as "${printable(output)}" (flag --output): the only form is patch`,
        remedy: "Write --output patch, or --json",
      });
    }
    const asked = await readAsked(flags, { words }, context);
    if (asked !== undefined) return showLayers(asked, flags, context);
    if (flags.has("json"))
      context.stdout.write(`${JSON.stringify({ schema: "workcell.diff/1", layers: [] })}\n`);
    return 0;
  },
};
