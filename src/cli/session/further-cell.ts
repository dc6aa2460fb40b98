import path from "node:path";
import type { LiveCell } from "../../session/index.ts";
import type { CommandContext, FlagValues } from "../command.ts";
import { run } from "../commands/run.ts";
import { CELL_FLAGS, joinFlags, readFlags } from "./kept-flags.ts";

interface FurtherCell {
  readonly session: string;
  /** The cell beside which it is started. */
  readonly cell: LiveCell;
  /** What is given for the further command: terminal, variables, folder. */
  readonly flags: FlagValues;
  readonly command: readonly string[];
}

/** In the reference tunnel a further command is a further cell on the session's home, started as the one that runs was. */
export function runFurtherCell(
  { session, cell, flags, command }: FurtherCell,
  context: CommandContext,
): Promise<number> {
  const kept = readFlags(path.join(cell.folder, CELL_FLAGS)) ?? {};
  const asked = { ...kept, session: [session], tunnel: [cell.tunnel] };
  return run.run(joinFlags(asked, flags), command, context);
}
