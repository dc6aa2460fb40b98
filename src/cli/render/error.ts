import { WorkcellError } from "../../errors/index.ts";
import { printable, printableLines } from "../../lib/printable.ts";

const machineRemedy =
  "See that the disk has room, that you may write there, and that HOME and XDG_STATE_HOME name your own folders";

/** What the machine refused, in its words: a full disk, a folder that may not be written to, too many open files. */
function machineFault(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  const place = "path" in error ? ` "${String(error.path)}"` : "";
  return `Cannot go on: the machine refused ${String(error.syscall)}${place} (${String(error.code)})`;
}

/** What the person reads when something cannot be done: one line what, with the code to look up, one line what to do. */
export function renderError(error: unknown): string {
  if (error instanceof WorkcellError) {
    return `workcell: ${printable(error.message)} (${error.code})\n  remedy: ${printable(error.remedy)}\n`;
  }
  const machine = machineFault(error);
  if (machine !== undefined) return `workcell: ${printable(machine)}\n  remedy: ${machineRemedy}\n`;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `workcell: internal error: ${printableLines(text)}\n  remedy: Report this with the command that led to it\n`;
}

/** The same for a program: what `--json` prints instead of an answer. */
export const jsonError = ({ code, message, remedy, exitCode }: WorkcellError) => ({
  schema: "workcell.error/1",
  ...{ code, message, remedy, exitCode },
});
