import type { callsAarch64 } from "./calls-aarch64.gen.ts";
import type { callsX86_64 } from "./calls-x86_64.gen.ts";

/** A system call that at least one architecture has. */
export type CallName = keyof typeof callsAarch64 | keyof typeof callsX86_64;

type Words<Text extends string, Seen = never> = Text extends `${infer First} ${infer Rest}`
  ? Words<Rest, Seen | First>
  : Seen | Text;

/** Lines of names as a list; a name that no table has is a type error where the list is used. */
export function names<const Line extends string>(...lines: readonly Line[]): readonly Words<Line>[] {
  return lines.flatMap((line) => line.split(" ") as Words<Line>[]);
}
