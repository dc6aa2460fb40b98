import { once } from "node:events";
import process from "node:process";
import type { CommandContext } from "../command.ts";

/** Whether there is somebody to ask. */
export function canAsk({ stdin = process.stdin, stderr }: CommandContext): boolean {
  return stdin.isTTY === true && (stderr as { readonly isTTY?: boolean }).isTTY === true;
}

/** Asks on stderr and resolves to what the person typed, one line; "" when they typed nothing or went away. */
export async function ask(
  question: string,
  { stdin = process.stdin, stderr }: CommandContext,
): Promise<string> {
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
