import type { CommandKit, KitConfig, KitFile } from "../../model/index.ts";
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
  'while [ "$1" != -- ]; do [ -e "$HOME/$1" ] || { mkdir -p "$(dirname "$HOME/$1")" && printf %s "$2" >"$HOME/$1"; }; shift 2; done; shift; export PWD; exec "$@"';

/**
 * Ends where a name, the words up to `--`, stands with something in it in the folder or one above, and no cover over it.
 * Covers are mount points that cannot be written to; a connected folder is none of these names.
 * SECURITY(P12): a folder's own servers, plugins and settings count only after the person agreed to them.
 */
const unlessUncovered = `title=$1; shift
refuse() { printf 'workcell: Cannot start %s: it would take "%s" into account, and what starts there, and nobody agreed to that\\n  remedy: Move it away for this task, or use another agent: workcell agent -m . "TASK"\\n' "$title" "$1" >&2; exit 125; }
is_covered() {
  place=$(printf %s "$1" | sed 's/\\\\/\\\\134/g; s/ /\\\\040/g; s/	/\\\\011/g')
  grep -qF -- " $place ro," /proc/self/mountinfo
}
cd -P . || exit 125
while [ "$1" != -- ]; do
  at=$PWD
  while :; do
    if [ -d "$at/$1" ]; then [ -z "$(ls -A "$at/$1")" ] || is_covered "$(readlink -f "$at/$1")" || refuse "$at/$1"
    elif [ -s "$at/$1" ]; then is_covered "$(readlink -f "$at/$1")" || refuse "$at/$1"; fi
    [ -n "$at" ] || break
    at=\${at%/*}
  done
  shift
done
shift
`;

/** The command that is the agent in its cell, and what it brings. */
export function agentCommand(how: {
  readonly driver: AgentDriver;
  readonly program: AgentProgram;
  readonly work: AgentWork;
  readonly endpoint: Endpoint;
  /** What it is not to find of its own configuration; absent: it leaves that alone by itself. */
  readonly config?: KitConfig | undefined;
}): { readonly command: readonly string[]; readonly kit: CommandKit } {
  const { driver, program, work, endpoint, config } = how;
  const { words, environment, homeFiles = {}, before = "" } = driver.start(work, endpoint);
  const command = [...program.command, ...words];
  const files = Object.entries(homeFiles).flat();
  const names = config?.names ?? (driver.config?.isReadAnyway === true ? driver.config.names : []);
  const checked = names.length === 0 ? [] : [driver.title, ...names, "--"];
  const script = `${checked.length === 0 ? "" : unlessUncovered}${before}${withHomeFiles}`;
  const isPlain = files.length + checked.length + before.length === 0;
  return {
    command: isPlain ? command : ["/bin/sh", "-c", script, "sh", ...checked, ...files, "--", ...command],
    kit: {
      ...{ origin: driver.title, files: program.files, environment },
      ...(config === undefined ? {} : { config }),
    },
  };
}
