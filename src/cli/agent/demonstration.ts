import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { WorkcellError } from "../../errors/index.ts";
import { dataFolder } from "../../lib/xdg-folders.ts";
import type { CommandContext } from "../command.ts";

/** What the scripted model can do; it plays this whatever it is told. */
export const scriptedTask = "Make the failing test pass";

/** Makes a fresh copy of the example that the scripted model works on, for the person to look at; its folder. */
export function copyDemonstration({ env, home, installation }: CommandContext): string {
  const file = path.join(installation, "first-task.json");
  let files: Readonly<Record<string, string>>;
  try {
    files = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new WorkcellError("WC_MISSING_TOOL", {
      message: `Cannot show the scripted task: the example "${file}" cannot be read, and a whole build is needed`,
      remedy: "Run: npm run build",
      cause,
    });
  }
  const folder = path.join(dataFolder(env, home), "first-task");
  rmSync(folder, { recursive: true, force: true });
  for (const [name, content] of Object.entries(files)) {
    const place = path.join(folder, name);
    mkdirSync(path.dirname(place), { recursive: true, mode: 0o700 });
    writeFileSync(place, content);
  }
  return folder;
}
