import type { CommandKit, KitFile } from "../../model/index.ts";
import { builtInPlace } from "./built-in.ts";
import type { AgentDriver, AgentWork, Endpoint } from "./driver.ts";

/** An agent's program, as it was found on the host. */
export interface AgentProgram {
  /** What starts it in the cell. */
  readonly command: readonly string[];
  /** What of it the cell would not see without being shown. */
  readonly files: readonly KitFile[];
}

/** The built-in agent's: Node, and one file of Workcell's. Both by their real paths on the host. */
export const builtInProgram = (node: string, source: string): AgentProgram => ({
  command: [node, builtInPlace],
  files: [{ path: builtInPlace, source, reason: "the built-in agent's program" }],
});

/** Writes a home's missing files, name and content in turn up to `--`, and becomes the rest: no process more. */
const withHomeFiles =
  'while [ "$1" != -- ]; do [ -e "$HOME/$1" ] || { mkdir -p "$(dirname "$HOME/$1")" && printf %s "$2" >"$HOME/$1"; }; shift 2; done; shift; exec "$@"';

/** The command that is the agent in its cell, and what it brings. */
export function agentCommand(how: {
  readonly driver: AgentDriver;
  readonly program: AgentProgram;
  readonly work: AgentWork;
  readonly endpoint: Endpoint;
}): { readonly command: readonly string[]; readonly kit: CommandKit } {
  const { driver, program, work, endpoint } = how;
  const { words, environment, homeFiles = {} } = driver.start(work, endpoint);
  const command = [...program.command, ...words];
  const files = Object.entries(homeFiles).flat();
  return {
    command:
      files.length === 0 ? command : ["/bin/sh", "-c", withHomeFiles, "sh", ...files, "--", ...command],
    kit: { origin: driver.title, files: program.files, environment },
  };
}
