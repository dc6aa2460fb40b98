import type { CallName } from "./call-names.ts";

/** What a filter says to a call. How a refusal is put to the kernel is the compiler's matter. */
export type Answer = "allow" | "refuse" | "enosys";

/**
 * How a refusal is put to the kernel: EPERM from the filter itself, or a notification, which whoever holds the
 * filter's listener records and answers. The kernel answers ENOSYS where a filter that notifies has no listener.
 */
export type Refusal = "errno" | "notify";

interface Argument {
  readonly argument: 0 | 1 | 2 | 3 | 4 | 5;
  /** The argument's name in the manual page. */
  readonly name: string;
}

/**
 * A test on the low 32 bits of one argument. The arguments tested here are int, pid_t, mode_t or flag words of which
 * the kernel reads no more; whoever compared all 64 bits would let a call pass that has garbage in the upper half.
 */
export type Condition =
  /** At least one of these bits is set. */
  | (Argument & { readonly any: number })
  /** The argument, masked, is one of these. */
  | (Argument & { readonly in: readonly number[]; readonly mask?: number })
  /** The argument, masked, is none of these. */
  | (Argument & { readonly notIn: readonly number[]; readonly mask?: number });

/** One rule for one or more calls. It holds when all its conditions do; the first rule of a call that holds decides. */
export interface Rule {
  readonly calls: readonly CallName[];
  readonly when?: readonly Condition[];
  readonly answer: Answer;
  readonly reason: string;
}

/** A filter as data. */
export interface RuleSet {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** Another filter whose rules stand behind these. */
  readonly behind?: RuleSet;
  /** The answer to a known call for which no rule holds. */
  readonly otherwise: Answer;
  /** The answer to a number that is in no table: newer than the newest known call, or never given out. */
  readonly unknown: Answer;
}

/** All rules that a filter compiles to, in the order in which they are asked. */
export function allRules(rules: RuleSet): readonly Rule[] {
  return rules.behind === undefined ? rules.rules : [...rules.rules, ...allRules(rules.behind)];
}
