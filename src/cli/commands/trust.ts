import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { codeOf, WorkcellError } from "../../errors/index.ts";
import { printable, printableLines } from "../../lib/printable.ts";
import { stateFolder } from "../../lib/xdg-folders.ts";
import type { AuditEvent } from "../../model/index.ts";
import { openAudit } from "../../report/index.ts";
import { lockBy } from "../../session/index.ts";
import {
  agreeTo,
  describeFolderFile,
  FOLDER_FILE_NAME,
  type FolderFile,
  findFolderFile,
  listAgreements,
  readTrust,
  revokeAgreement,
} from "../../settings/index.ts";
import type { Command, CommandContext } from "../command.ts";

/** The folder's real path; as it was written when it is gone, so that an old agreement can still be taken back. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return folder;
    throw error;
  }
}

/**
 * Writes down that a person agreed, or took it back. Nothing is agreed to that cannot be recorded, so this comes
 * first.
 */
async function record(context: CommandContext, event: Pick<AuditEvent, "decision" | "rule" | "subject">) {
  const file = path.join(stateFolder(context.env, context.home), "audit.jsonl");
  const audit = openAudit(file, lockBy(path.join(context.installation, "native/cellhost")));
  const who = { session: "", cell: "", kind: "trust", layer: "settings", origin: "workcell trust" } as const;
  audit.append({ ...who, ...event });
  await audit.close();
}

async function list(context: CommandContext, asJson: boolean): Promise<number> {
  const agreements = await listAgreements(context);
  if (asJson) {
    context.stdout.write(`${JSON.stringify(agreements, null, 2)}\n`);
    return 0;
  }
  for (const { agreed, folder } of agreements) context.stdout.write(`${agreed}  ${printable(folder)}\n`);
  if (agreements.length === 0) context.stdout.write("Nothing is agreed to\n");
  return 0;
}

async function revoke(context: CommandContext, folder: string): Promise<number> {
  const place = realFolder(folder);
  if (await revokeAgreement(context, place)) {
    context.stdout.write(`Taken back: ${FOLDER_FILE_NAME} of "${printable(place)}" is not used any more\n`);
    const subject = path.join(place, FOLDER_FILE_NAME);
    await record(context, { decision: "deny", rule: "the agreement was taken back", subject });
    return 0;
  }
  throw new WorkcellError("WC_TRUST", {
    message: `Cannot take back the agreement for "${printable(place)}": there is none`,
    remedy: "See what is agreed to: workcell trust --list",
  });
}

function findFile(folder: string): FolderFile {
  const found = findFolderFile(folder);
  if (found.status === "found") return found;
  const file = printable(path.join(folder, FOLDER_FILE_NAME));
  throw new WorkcellError("WC_TRUST", {
    message: `Cannot show the settings file "${file}": ${
      found.status === "absent" ? "there is no such file" : `${found.problem}; it must be a small, plain file`
    }`,
    remedy:
      found.status === "absent"
        ? "Name the folder that it is in; docs/settings.md says what may stand in one"
        : `Make "${file}" a plain file`,
  });
}

/** The bytes that are agreed to are the bytes that are shown, so nothing in them may hide from the person. */
function show(context: CommandContext, file: FolderFile, effects: readonly string[]): void {
  const content = printableLines(file.bytes.toString("utf8")).replace(/\n?$/, "\n");
  const would = effects.length === 0 ? ["nothing"] : effects;
  context.stdout.write(
    [
      `${printable(file.file)}, ${file.bytes.length} bytes:`,
      "",
      ...content.split("\n").map((line) => `  ${line}`.trimEnd()),
      "In every run that is started in this folder, it would",
      ...would.map((line) => `  - ${printable(line)}`),
      "",
    ].join("\n"),
  );
}

async function ask(context: CommandContext, question: string): Promise<boolean> {
  const lines = createInterface({ input: context.stdin ?? process.stdin, terminal: false });
  context.stderr.write(question);
  const answer = await new Promise<string>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(""));
  });
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}

function isTerminal(stream: object): boolean {
  return Reflect.get(stream, "isTTY") === true;
}

function needsYes(file: FolderFile): WorkcellError {
  return new WorkcellError("WC_TRUST", {
    message: `Cannot ask whether to use "${printable(file.file)}": input and output are not a terminal, and a person who answers is needed`,
    remedy: `Read the file, then agree to it: workcell trust --yes "${printable(file.folder)}"`,
  });
}

async function trustFolder(context: CommandContext, folder: string, yes: boolean): Promise<number> {
  const file = findFile(folder);
  show(context, file, await describeFolderFile(file));
  if ((await readTrust(context, file)) === "agreed") {
    context.stdout.write("Already agreed to exactly this\n");
    return 0;
  }
  // Where the content goes into a pipe or a file, nobody has seen it yet.
  const seen = isTerminal(context.stdin ?? process.stdin) && isTerminal(context.stdout);
  if (!yes && !seen) throw needsYes(file);
  if (!yes && !(await ask(context, "Agree to exactly this? [y/N] "))) {
    context.stdout.write("Not agreed: the file is not used\n");
    return 1;
  }
  const sha256 = createHash("sha256").update(file.bytes).digest("hex");
  await record(context, { decision: "allow", rule: `agreed to sha256 ${sha256}`, subject: file.file });
  await agreeTo(context, file, new Date());
  context.stdout.write("Agreed: the file is used until it changes\n");
  return 0;
}

/** Shows a folder's own settings file and records that the person agrees to exactly its content. */
export const trust: Command = {
  name: "trust",
  summary: "see a folder's own settings and agree to them",
  usage: "[--yes] [--list [--json]] [--revoke] [DIR]",
  notes: [
    "A folder's own settings stand in its .workcell.json. It comes with the folder, so it may be anybody's: it counts only when you have agreed to exactly what it says. DIR is this folder when not said.",
  ],
  flags: [
    { name: "yes", short: "y", help: "agree without being asked" },
    { name: "list", help: "list what is agreed to" },
    { name: "revoke", help: "take an agreement back" },
    { name: "json", help: "print the list as JSON" },
  ],
  example: "workcell trust .",
  async run(flags, words, context) {
    const [named = ".", ...rest] = words;
    if (rest.length > 0 || (flags.has("json") && !flags.has("list"))) {
      throw new WorkcellError("WC_USAGE", {
        message:
          rest.length > 0
            ? `Cannot read the command line: "${printable(rest[0] ?? "")}" is a second folder, and one is needed`
            : 'Cannot read the command line: "--json" is for "--list"',
        remedy: "See: workcell trust --help",
      });
    }
    if (flags.has("list")) return list(context, flags.has("json"));
    const folder = path.resolve(context.cwd, named);
    if (flags.has("revoke")) return revoke(context, folder);
    return trustFolder(context, folder, flags.has("yes"));
  },
};
