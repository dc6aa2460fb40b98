import { chmodSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { AgentDriver } from "../../agent/index.ts";
import { isInside } from "../../lib/is-inside.ts";
import { realPlace } from "../../lib/real-place.ts";
import { dataFolder } from "../../lib/xdg-folders.ts";
import type { AgreedConfig, KitConfig, Settings } from "../../model/index.ts";
import { listAgreements, readTrust } from "../../settings/index.ts";
import { stateOf } from "../changes/words.ts";
import type { CommandContext } from "../command.ts";
import { say } from "../run-in-cell.ts";
import { findConfig, keepConfig } from "./own-config.ts";

/** Nothing, as a folder and as a file, to be shown in the place of something; of what the agent would write there, what it would. */
function makeNothing({ name, config }: AgentDriver, { env, home }: CommandContext): KitConfig["nothing"] {
  const place = path.join(dataFolder(env, home), "nothing", name);
  const nothing = { folder: path.join(place, "folder"), file: path.join(place, "file") };
  mkdirSync(nothing.folder, { recursive: true });
  const written = Object.entries(config?.written ?? {}).map(([file, text]) => [path.basename(file), text]);
  for (const [file = "", text = ""] of written) writeFileSync(path.join(nothing.folder, file), text);
  writeFileSync(nothing.file, "");
  // Root's cells read them as another user, whatever root's umask is.
  chmodSync(nothing.folder, 0o755);
  for (const [file = ""] of written) chmodSync(path.join(nothing.folder, file), 0o644);
  chmodSync(nothing.file, 0o644);
  return { folder: realpathSync(nothing.folder), file: realpathSync(nothing.file) };
}

/** What the person agreed to in one folder, as it was then; none where it is another now. */
async function agreedIn(
  driver: AgentDriver,
  folder: string,
  context: CommandContext,
): Promise<readonly AgreedConfig[]> {
  const found = findConfig(driver, folder);
  if (found.status === "absent") return [];
  const trust = found.status === "found" ? await readTrust(context, found) : "never";
  if (found.status === "found" && trust === "agreed") {
    const kept = keepConfig(driver, found, stateOf(context));
    const names = new Set(found.files.map(({ name }) => name.split(path.sep)[0] ?? ""));
    return [...names].map((name) => ({
      path: path.join(found.folder, name),
      source: path.join(kept, name),
    }));
  }
  const why =
    found.status === "refused"
      ? found.problem
      : `${trust === "changed" ? "it has changed since you agreed to it; " : ""}run workcell trust --agent ${driver.name} "${folder}" to see it and agree`;
  say(context, `What "${folder}" has of ${driver.title}'s own configuration is not used: ${why}`);
  return [];
}

/** An agent's own configuration in the connected folders: what was agreed to, and what is covered where that must be. */
export async function agreedConfig(
  driver: AgentDriver,
  { mounts }: Settings,
  context: CommandContext,
): Promise<KitConfig | undefined> {
  const { config, name } = driver;
  if (config === undefined) return undefined;
  const roots = mounts.map(({ value }) => realPlace(path.resolve(context.cwd, value.source)));
  const below = (await listAgreements(context))
    .filter(({ agent, folder }) => agent === name && roots.some((root) => isInside(folder, root)))
    .map(({ folder }) => folder);
  const agreed: AgreedConfig[] = [];
  for (const folder of new Set([...roots, ...below]))
    agreed.push(...(await agreedIn(driver, folder, context)));
  if (agreed.length === 0 && config.isReadAnyway !== true) return undefined;
  return { names: config.names, nothing: makeNothing(driver, context), agreed };
}
