import type { Architecture } from "./architecture.ts";
import { Assembler, type Label } from "./assembler.ts";
import { type Answer, allRules, type Condition, type Refusal, type Rule, type RuleSet } from "./rule.ts";

/** Where the kernel's struct seccomp_data has them; the machines are little endian, so an argument's low half is first. */
const offsets = { number: 0, audit: 4, argument: (index: number) => 16 + 8 * index };

/** SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with ENOSYS and with EPERM, and SECCOMP_RET_USER_NOTIF. */
const returns = { allow: 0x7fff_0000, enosys: 0x0005_0026 };
const refusals: Readonly<Record<Refusal, number>> = { errno: 0x0005_0001, notify: 0x7fc0_0000 };

type Answers = Readonly<Record<Answer, Label>>;

/** From `start` on, up to the next range, calls go on at `label`. */
interface Range {
  readonly start: number;
  readonly label: Label;
}

/**
 * Turns rules into classic BPF: architecture first, then the call's number by binary search, then its conditions.
 * No instruction before a call's conditions touches an argument: from Linux 5.11 on the kernel then finds out once
 * which calls are always allowed, and runs the filter for them no more.
 */
export function compileRules(
  rules: RuleSet,
  architecture: Architecture,
  refusal: Refusal = "errno",
): Uint8Array {
  const assembler = new Assembler();
  const answers: Answers = {
    enosys: assembler.return(returns.enosys),
    refuse: assembler.return(refusals[refusal]),
    allow: assembler.return(returns.allow),
  };
  let entry = search(assembler, ranges(assembler, answers, { rules, architecture }));
  if (architecture.foreignBit !== undefined) {
    entry = assembler.branch("any-bit", architecture.foreignBit, { yes: answers.refuse, no: entry });
  }
  entry = assembler.load(offsets.number, entry);
  entry = assembler.branch("equal", architecture.audit, { yes: entry, no: answers.refuse });
  return assembler.program(assembler.load(offsets.audit, entry));
}

function ranges(
  assembler: Assembler,
  answers: Answers,
  { rules, architecture }: { rules: RuleSet; architecture: Architecture },
): readonly Range[] {
  const byCall = group(allRules(rules));
  const found: Range[] = [];
  const add = (start: number, label: Label) => {
    if (found.at(-1)?.label !== label) found.push({ start, label });
  };
  let next = 0;
  for (const call in architecture.calls) {
    const number = architecture.calls[call] ?? next;
    if (number < next)
      throw new RangeError(`Cannot search the table of calls: "${call}" stands out of order`);
    if (number > next) add(next, answers[rules.unknown]);
    const own = byCall.get(call);
    const otherwise = answers[rules.otherwise];
    add(number, own === undefined ? otherwise : decide(assembler, answers, { rules: own, otherwise }));
    next = number + 1;
  }
  add(next, answers[rules.unknown]);
  return found;
}

function group(rules: readonly Rule[]): ReadonlyMap<string, readonly Rule[]> {
  const byCall = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const call of rule.calls) {
      const own = byCall.get(call);
      if (own === undefined) byCall.set(call, [rule]);
      else own.push(rule);
    }
  }
  return byCall;
}

/** The rules of one call, the last one first, so that each can go on at the next. */
function decide(
  assembler: Assembler,
  answers: Answers,
  { rules, otherwise }: { rules: readonly Rule[]; otherwise: Label },
): Label {
  return rules.reduceRight(
    (no, rule) =>
      (rule.when ?? []).reduceRight(
        (yes, condition) => test(assembler, condition, { yes, no }),
        answers[rule.answer],
      ),
    otherwise,
  );
}

function test(assembler: Assembler, condition: Condition, targets: { yes: Label; no: Label }): Label {
  const offset = offsets.argument(condition.argument);
  if ("any" in condition) return assembler.load(offset, assembler.branch("any-bit", condition.any, targets));
  const listed = "in" in condition;
  const found = listed ? targets.yes : targets.no;
  const compared = (listed ? condition.in : condition.notIn).reduceRight(
    (no, value) => assembler.branch("equal", value, { yes: found, no }),
    listed ? targets.no : targets.yes,
  );
  const masked = condition.mask === undefined ? compared : assembler.and(condition.mask, compared);
  return assembler.load(offset, masked);
}

/** The upper half is written first, so that the lower one, where the frequent calls are, follows without a jump. */
function search(assembler: Assembler, found: readonly Range[]): Label {
  const middle = found.length >> 1;
  const [lower, upper] = [found.slice(0, middle), found.slice(middle)];
  const [first] = upper;
  if (first === undefined) throw new RangeError("Cannot search among no ranges: a table of calls is empty");
  if (lower.length === 0) return first.label;
  const yes = search(assembler, upper);
  return assembler.branch("at-least", first.start, { yes, no: search(assembler, lower) });
}
