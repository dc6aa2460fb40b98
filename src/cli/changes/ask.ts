import { once } from "node:events";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import type { CommandContext } from "../command.ts";

/** Whether there is somebody to ask. */
export function canAsk({ stdin = process.stdin, stderr }: CommandContext): boolean {
  return stdin.isTTY === true && (stderr as { readonly isTTY?: boolean }).isTTY === true;
}

type Typing = NonNullable<CommandContext["stdin"]> & { setRawMode?(isRaw: boolean): unknown };

/** How long the kernel takes, at the most, to hand over what it has. */
const GATHER_MS = 20;

/** What was typed before the question stood there was meant for something else, and is no answer to it. */
async function forgetTyped(stdin: Typing): Promise<void> {
  if (stdin.isTTY !== true) return;
  const ignore = () => {};
  // A line that is not ended yet goes as well.
  stdin.setRawMode?.(true);
  stdin.on("readable", ignore);
  try {
    stdin.read();
    await setTimeout(GATHER_MS);
    while (stdin.read() !== null);
  } finally {
    stdin.off("readable", ignore);
    stdin.setRawMode?.(false);
  }
}

/** Asks on stderr and resolves to what the person typed then, one line; "" when they typed nothing or went away. */
export async function ask(
  question: string,
  { stdin = process.stdin, stderr }: CommandContext,
): Promise<string> {
  await forgetTyped(stdin);
  stderr.write(question);
  let typed = "";
  stdin.setEncoding("utf8");
  for (;;) {
    const chunk: unknown = stdin.read();
    if (typeof chunk === "string") typed += chunk;
    if (typed.includes("\n") || stdin.readableEnded) break;
    if (chunk === null) await Promise.race([once(stdin, "readable"), once(stdin, "end")]);
  }
  stdin.pause();
  return (typed.split("\n")[0] ?? "").trim();
}
