import { accessSync, constants, realpathSync } from "node:fs";
import path from "node:path";
import type { AgentDriver, AgentProgram } from "../../agent/index.ts";
import { builtInProgram } from "../../agent/index.ts";
import { WorkcellError } from "../../errors/index.ts";
import { findTool, pathFolders } from "../../probe/index.ts";
import type { CommandContext } from "../command.ts";

/** Folders of the host's that a cell sees at their own paths. */
const isShown = (file: string) => /^\/(usr|bin|sbin|lib\w*|opt)\//.test(file);

/** The built-in agent's program, made by the build. Throws WC_MISSING_TOOL. */
function findBuiltIn({ installation }: CommandContext): AgentProgram {
  const file = path.join(installation, "workcell-agent.js");
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new WorkcellError("WC_MISSING_TOOL", {
      message: `Cannot start the built-in agent: "${file}" is not there, and a whole build is needed`,
      remedy: "Run: npm run build",
      cause,
    });
  }
  return builtInProgram(realpathSync(process.execPath), realpathSync(file));
}

/** What a program outside the system consists of: the package that it belongs to, or itself. */
function partsOf(realPath: string): string {
  const modules = realPath.lastIndexOf("/node_modules/");
  return modules === -1 ? realPath : realPath.slice(0, modules + "/node_modules".length);
}

/** Finds an agent's program on the person's PATH, and what of it must be shown. Throws WC_MISSING_TOOL. */
export function findAgentProgram(driver: AgentDriver, context: CommandContext): AgentProgram {
  if (driver.installed === undefined) return findBuiltIn(context);
  const { program, npmPackage } = driver.installed;
  const tool = findTool(program, pathFolders(context.env["PATH"]), []);
  if (tool === undefined) {
    throw new WorkcellError("WC_MISSING_TOOL", {
      message: `Cannot start ${driver.title}: the program "${program}" was not found on PATH, and your own install of it is needed`,
      remedy: `Install it: npm install -g ${npmPackage}; or use the built-in agent: workcell agent "TASK"`,
    });
  }
  const reason = `${driver.title}, your own install`;
  const places = isShown(tool.realPath) ? [] : [partsOf(tool.realPath)];
  const files = places.map((place) => ({ path: place, source: place, reason }));
  if (isShown(tool.path)) return { command: [tool.path], files };
  // By the name that it has on PATH, which is what a list of processes then shows.
  const named = `/run/workcell/${program}`;
  return {
    command: [named],
    files: [...files, { path: named, source: tool.realPath, isLink: true, reason }],
  };
}
