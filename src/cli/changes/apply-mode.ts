import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { CommandContext, FlagValues } from "../command.ts";
import { canAsk } from "./ask.ts";

export type ApplyMode = "ask" | "all" | "none";
const modes: readonly ApplyMode[] = ["ask", "all", "none"];

/** What becomes of changes when the command has ended: `--apply`. Throws WC_USAGE. */
export function readApplyMode(flags: FlagValues, context: CommandContext): ApplyMode {
  const text = flags.text("apply");
  const mode = modes.find((one) => one === text);
  if (text !== undefined && mode === undefined) {
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot apply changes "${printable(text)}" (flag --apply): it must be ask, all or none`,
      remedy:
        "Write --apply ask to be asked, --apply all to apply at the end, --apply none to leave them pending",
    });
  }
  if (mode === "ask" && !canAsk(context)) {
    throw new WorkcellError("WC_USAGE", {
      message: "Cannot ask what to apply (flag --apply ask): there is no terminal to ask in",
      remedy: "Write --apply all or --apply none",
    });
  }
  return mode ?? "none";
}
