import path from "node:path";
import type { AgentDriver } from "../../agent/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { printable, printableLines } from "../../lib/printable.ts";
import {
  type Agreeable,
  describeFolderFile,
  FOLDER_FILE_NAME,
  type FolderFile,
  findFolderFile,
} from "../../settings/index.ts";
import { findConfig } from "./own-config.ts";

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

/** What a person looks at, and may agree to. */
export interface Offer extends Agreeable {
  /** What it is, for the audit log. */
  readonly subject: string;
  /** In the middle of a sentence. */
  readonly called: string;
  readonly lines: readonly string[];
  /** What agrees to it without a question. */
  readonly command: string;
}

/** The bytes that are agreed to are the bytes that are shown, so nothing in them may hide from the person. */
const shown = (bytes: Buffer) =>
  printableLines(bytes.toString("utf8"))
    .replace(/\n?$/, "\n")
    .split("\n")
    .map((line) => `  ${line}`.trimEnd());

/** A folder's own settings file. Throws WC_TRUST where there is none. */
export async function offerFile(folder: string): Promise<Offer> {
  const file = findFile(folder);
  const effects = await describeFolderFile(file);
  const would = effects.length === 0 ? ["nothing"] : effects;
  return {
    ...{ folder: file.folder, bytes: file.bytes, subject: file.file, called: "the file" },
    command: `workcell trust --yes "${printable(file.folder)}"`,
    lines: [
      `${printable(file.file)}, ${file.bytes.length} bytes:`,
      "",
      ...shown(file.bytes),
      "In every run that is started in this folder, it would",
      ...would.map((line) => `  - ${printable(line)}`),
    ],
  };
}

/** An agent's own configuration in a folder. Throws WC_TRUST where there is none, or none that can be agreed to. */
export function offerConfig(folder: string, driver: AgentDriver): Offer {
  const { name, title, config } = driver;
  const found = findConfig(driver, folder);
  if (found.status === "found") {
    return {
      ...{ folder: found.folder, agent: name, bytes: found.bytes },
      ...{ subject: `${found.folder} (${name})`, called: "it" },
      command: `workcell trust --agent ${name} --yes "${printable(found.folder)}"`,
      lines: [
        ...found.files.flatMap((file) => [
          `${printable(path.join(found.folder, file.name))}, ${file.bytes.length} bytes${file.isProgram ? ", a program" : ""}:`,
          "",
          ...shown(file.bytes),
        ]),
        `In every task of ${title}'s in this folder all of it would count: servers, hooks and plugins that it names start in the cell, by the paths that stand there.`,
      ],
    };
  }
  const names = config?.names ?? [];
  const why =
    names.length === 0
      ? "Workcell has it leave that alone, whatever is agreed to"
      : found.status === "refused"
        ? found.problem
        : `there is none (${names.join(", ")})`;
  throw new WorkcellError("WC_TRUST", {
    message: `Cannot agree to ${title}'s own configuration in "${printable(folder)}": ${why}`,
    remedy:
      found.status === "refused"
        ? "Make plain files of it, and few enough to read"
        : "Name a folder and an agent that has some there: workcell trust --agent AGENT DIR",
  });
}
