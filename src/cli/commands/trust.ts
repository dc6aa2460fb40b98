import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import path from "node:path";
import { type AgentDriver, agentDrivers, findDriver } from "../../agent/index.ts";
import { codeOf, WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import { stateFolder } from "../../lib/xdg-folders.ts";
import type { AuditEvent } from "../../model/index.ts";
import { openAudit } from "../../report/index.ts";
import { lockBy } from "../../session/index.ts";
import {
  agreeTo,
  FOLDER_FILE_NAME,
  listAgreements,
  readTrust,
  revokeAgreement,
} from "../../settings/index.ts";
import { type Offer, offerConfig, offerFile } from "../agent/offer.ts";
import { ask } from "../changes/ask.ts";
import type { Command, CommandContext, FlagValues } from "../command.ts";

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
  for (const { agreed, folder, agent } of agreements)
    context.stdout.write(
      `${agreed}  ${printable(folder)}${agent === undefined ? "" : `  --agent ${agent}`}\n`,
    );
  if (agreements.length === 0) context.stdout.write("Nothing is agreed to\n");
  return 0;
}

async function revoke(
  context: CommandContext,
  folder: string,
  driver: AgentDriver | undefined,
): Promise<number> {
  const place = realFolder(folder);
  const what = driver === undefined ? FOLDER_FILE_NAME : `${driver.title}'s own configuration`;
  if (await revokeAgreement(context, { folder: place, ...(driver && { agent: driver.name }) })) {
    context.stdout.write(`Taken back: ${what} of "${printable(place)}" is not used any more\n`);
    const subject = driver === undefined ? path.join(place, FOLDER_FILE_NAME) : `${place} (${driver.name})`;
    await record(context, { decision: "deny", rule: "the agreement was taken back", subject });
    return 0;
  }
  throw new WorkcellError("WC_TRUST", {
    message: `Cannot take back the agreement for ${driver === undefined ? "" : `${what} in `}"${printable(place)}": there is none`,
    remedy: "See what is agreed to: workcell trust --list",
  });
}

function isTerminal(stream: object): boolean {
  return Reflect.get(stream, "isTTY") === true;
}

function needsYes({ subject, called, command }: Offer): WorkcellError {
  return new WorkcellError("WC_TRUST", {
    message: `Cannot ask whether to use "${printable(subject)}": input and output are not a terminal, and a person who answers is needed`,
    remedy: `Read ${called}, then agree to it: ${command}`,
  });
}

async function trustOffer(context: CommandContext, offer: Offer, yes: boolean): Promise<number> {
  const { called, lines, subject, bytes } = offer;
  context.stdout.write([...lines, ""].join("\n"));
  if ((await readTrust(context, offer)) === "agreed") {
    context.stdout.write("Already agreed to exactly this\n");
    return 0;
  }
  // Where the content goes into a pipe or a file, nobody has seen it yet.
  const seen = isTerminal(context.stdin ?? process.stdin) && isTerminal(context.stdout);
  if (!yes && !seen) throw needsYes(offer);
  if (!yes && !/^y(es)?$/i.test(await ask("Agree to exactly this? [y/N] ", context))) {
    context.stdout.write(`Not agreed: ${called} is not used\n`);
    return 1;
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await record(context, { decision: "allow", rule: `agreed to sha256 ${sha256}`, subject });
  await agreeTo(context, offer, new Date());
  context.stdout.write(`Agreed: ${called} is used until it changes\n`);
  return 0;
}

function agentOf(flags: FlagValues): AgentDriver | undefined {
  const name = flags.text("agent");
  const driver = name === undefined ? undefined : findDriver(name);
  if (name === undefined || driver !== undefined) return driver;
  throw new WorkcellError("WC_USAGE", {
    message: `Cannot read the command line: there is no agent "${printable(name)}" (flag --agent)`,
    remedy: `Write one of: ${agentDrivers.map((one) => one.name).join(", ")}`,
  });
}

/** Shows a folder's own settings file, or an agent's configuration there, and records that the person agrees to exactly its content. */
export const trust: Command = {
  name: "trust",
  summary: "see a folder's own settings and agree to them",
  usage: "[--agent AGENT] [--yes] [--list [--json]] [--revoke] [DIR]",
  notes: [
    "A folder's own settings stand in its .workcell.json. It comes with the folder, so it may be anybody's: it counts only when you have agreed to exactly what it says. DIR is this folder when not said.",
    "An agent's own configuration in a folder (servers, hooks, plugins, settings) is left alone in the same way, until you have agreed to it with --agent.",
  ],
  flags: [
    { name: "agent", value: "AGENT", help: "what this agent finds of its own in the folder, instead" },
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
    const driver = agentOf(flags);
    if (flags.has("revoke")) return revoke(context, folder, driver);
    const offer = driver === undefined ? await offerFile(folder) : offerConfig(folder, driver);
    return trustOffer(context, offer, flags.has("yes"));
  },
};
