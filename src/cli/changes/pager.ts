import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { Writable } from "node:stream";
import { printable } from "../../lib/printable.ts";
import type { CommandContext } from "../command.ts";

export interface Shown {
  readonly out: Writable;
  readonly isTerminal: boolean;
  readonly colour: boolean;
  readonly width: number;
  /** Resolves when the person has read to the end or left. */
  finish(): Promise<void>;
}

const isTerminal = ({ stdout }: CommandContext): boolean =>
  (stdout as { readonly isTTY?: boolean }).isTTY === true;

/** NO_COLOR is the custom of terminals (no-color.org). */
const wantsColour = (context: CommandContext): boolean =>
  isTerminal(context) && !context.env["NO_COLOR"] && context.env["TERM"] !== "dumb";

function direct(context: CommandContext): Shown {
  const { columns = 80 } = context.stdout as { readonly columns?: number };
  return {
    ...{ out: context.stdout, isTerminal: isTerminal(context), colour: wantsColour(context) },
    // A terminal that does not know how wide it is says 0.
    width: columns > 0 ? columns : 80,
    finish: async () => {},
  };
}

/** For programs: no pager and no colour, wherever it goes. */
export const openPlain = (context: CommandContext): Shown => ({ ...direct(context), colour: false });

/** What the shell finds under the first word. One that stands in quotes or sets a variable first is the shell's to judge. */
function isFound(pager: string, { env }: CommandContext): boolean {
  const [first = ""] = pager.trim().split(/\s+/);
  if (!/^[\w./+-]+$/.test(first)) return true;
  return (
    spawnSync("/bin/sh", ["-c", 'command -v -- "$1"', "sh", first], { env, stdio: "ignore" }).status === 0
  );
}

/** Where a long text goes: through the person's pager in a terminal, as it is elsewhere. */
export function openPager(context: CommandContext): Shown {
  const own = context.env["PAGER"];
  const pager = own ?? "less";
  if (!isTerminal(context) || context.stdout !== process.stdout || pager.trim() === "" || pager === "cat")
    return direct(context);
  if (!isFound(pager, context)) {
    if (own !== undefined)
      context.stderr.write(`workcell: the pager "${printable(own)}" (PAGER) is not there\n`);
    return direct(context);
  }
  const child = spawn("/bin/sh", ["-c", pager], {
    // As git has it: leave at once when it fits on the screen, and show our colours.
    env: { LESS: "FRX", ...context.env },
    stdio: ["pipe", "inherit", "inherit"],
  });
  // A person who has seen enough closes it.
  child.stdin.on("error", () => {});
  const ended = once(child, "close");
  // Ctrl-C in a pager is the pager's; without this it would be left without the text that it waits for.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  return {
    ...direct(context),
    out: child.stdin,
    finish: async () => {
      child.stdin.end();
      await ended;
      process.off("SIGINT", ignore);
    },
  };
}
