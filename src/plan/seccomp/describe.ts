import type { Architecture } from "./architecture.ts";
import type { Answer, Condition, Refusal, Rule, RuleSet } from "./rule.ts";

type Words = Readonly<Record<Answer, string>>;

const words: Readonly<Record<Refusal, Words>> = {
  errno: { allow: "allowed", refuse: "EPERM", enosys: "ENOSYS" },
  notify: { allow: "allowed", refuse: "EPERM, recorded", enosys: "ENOSYS" },
};

/** Permissions are read in octal and numbers of sockets in decimal; flags in hexadecimal. */
const radixes: Readonly<Record<string, 8 | 10>> = { mode: 8, domain: 10, type: 10, protocol: 10, option: 10 };
const prefixes = { 8: "0o", 10: "", 16: "0x" };

function describeCondition(condition: Condition): string {
  const radix = radixes[condition.name] ?? 16;
  const number = (value: number) => `${prefixes[radix]}${value.toString(radix)}`;
  if ("any" in condition) return `${condition.name} has any bit of ${number(condition.any)}`;
  const subject =
    condition.mask === undefined ? condition.name : `${condition.name} & ${number(condition.mask)}`;
  const values = "in" in condition ? condition.in : condition.notIn;
  return `${subject} is ${"in" in condition ? "" : "not "}${values.map(number).join(" or ")}`;
}

function describeRule(rule: Rule, calls: readonly string[], answers: Words): string {
  const when = rule.when === undefined ? "" : ` when ${rule.when.map(describeCondition).join(" and ")}`;
  return `${calls.join(", ")}${when}: ${answers[rule.answer]} (${rule.reason})`;
}

/** The rules as this architecture has them, one line each, for a person. */
export function describeRules(
  rules: RuleSet,
  architecture: Architecture,
  refusal: Refusal = "errno",
): readonly string[] {
  const answers = words[refusal];
  const lines = [
    `calls of any other architecture than ${architecture.name}: ${answers.refuse} (other numbers, other meanings)`,
  ];
  if (architecture.foreignBit !== undefined) {
    lines.push(`calls of the x32 table: ${answers.refuse} (other numbers, other meanings)`);
  }
  lines.push(`calls not known to Workcell: ${answers[rules.unknown]} (libc falls back to older ones)`);
  for (const rule of rules.rules) {
    const calls = rule.calls.filter((call) => call in architecture.calls);
    if (calls.length > 0) lines.push(describeRule(rule, calls, answers));
  }
  lines.push(
    rules.behind === undefined
      ? `every other call: ${answers[rules.otherwise]}`
      : `every other call: as the filter "${rules.behind.name}" says`,
  );
  return lines;
}
