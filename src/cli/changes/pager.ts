import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { Writable } from "node:stream";
import type { CommandContext } from "../command.ts";

export interface Shown {
  readonly out: Writable;
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

function plain(context: CommandContext): Shown {
  const width = (context.stdout as { readonly columns?: number }).columns ?? 80;
  return { out: context.stdout, colour: wantsColour(context), width, finish: async () => {} };
}

/** Where a long text goes: through the person's pager in a terminal, as it is elsewhere. */
export function openPager(context: CommandContext): Shown {
  const pager = context.env["PAGER"] ?? "less";
  if (!isTerminal(context) || context.stdout !== process.stdout || pager === "" || pager === "cat")
    return plain(context);
  const child = spawn("/bin/sh", ["-c", pager], {
    // As git has it: leave at once when it fits on the screen, and show our colours.
    env: { LESS: "FRX", ...context.env },
    stdio: ["pipe", "inherit", "inherit"],
  });
  // A person who has seen enough closes it.
  child.stdin.on("error", () => {});
  const ended = once(child, "close");
  return {
    ...plain(context),
    out: child.stdin,
    finish: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
