import type { Permit, Wanted } from "./loop/make-calls.ts";
import { judge, type PermissionMode, type Rules } from "./loop/permissions.ts";

/** What somebody who was asked says. */
export type Answer =
  | {
      readonly may: true;
      readonly input?: unknown;
      readonly alwaysAllow?: readonly string[];
      readonly mode?: PermissionMode;
    }
  | { readonly may: false; readonly why: string; readonly interrupt?: boolean };

export interface Askers {
  /** A person, or a host that stands for one. Absent: nobody can be asked. */
  readonly person?: (call: Wanted, signal: AbortSignal) => Promise<Answer>;
  /** Looks at every call before the rules do; `undefined`: it has nothing to say. */
  readonly hook?: (call: Wanted, signal: AbortSignal) => Promise<Answer | "ask" | undefined>;
}

/** The rules of a session, which answers may add to. */
export class Permissions {
  #rules: Rules;
  readonly #askers: Askers;

  constructor(rules: Rules, askers: Askers) {
    this.#rules = rules;
    this.#askers = askers;
  }

  set mode(mode: PermissionMode) {
    this.#rules = { ...this.#rules, mode };
  }

  get mode(): PermissionMode {
    return this.#rules.mode;
  }

  readonly permit: Permit = async (call, signal) => {
    const byRule = judge(this.#rules, call);
    // What a rule denies, neither a hook nor a person is asked about.
    if (byRule.decision === "deny" && byRule.isUnasked !== true) return { may: false, why: byRule.why };
    const hooked = await this.#askers.hook?.(call, signal);
    if (hooked !== undefined && hooked !== "ask") return this.#take(call, hooked);
    if (byRule.decision === "deny") return { may: false, why: byRule.why };
    if (byRule.decision === "allow" && hooked !== "ask") return { may: true, input: call.input };
    if (this.#askers.person === undefined) {
      const why = `no rule allows ${call.tool.name}, and nobody can be asked here; it can be allowed with --allowedTools ${call.tool.name}`;
      return { may: false, why };
    }
    return this.#take(call, await this.#askers.person(call, signal));
  };

  #take(call: Wanted, answer: Answer): Awaited<ReturnType<Permit>> {
    if (!answer.may) return answer;
    const changed =
      answer.input === undefined ? undefined : judge(this.#rules, { ...call, input: answer.input });
    // What a rule denies, no answer puts in the place of what was asked about.
    if (changed?.decision === "deny" && changed.isUnasked !== true) return { may: false, why: changed.why };
    const { mode = this.#rules.mode, alwaysAllow = [] } = answer;
    this.#rules = { ...this.#rules, mode, allow: [...this.#rules.allow, ...alwaysAllow] };
    return { may: true, input: answer.input ?? call.input };
  }
}

/** A rule by its parts. */
export interface Rule {
  readonly toolName: string;
  readonly ruleContent?: string;
}

export const ruleText = ({ toolName, ruleContent }: Rule): string =>
  ruleContent === undefined ? toolName : `${toolName}(${ruleContent})`;

/** The rule that allows this call from now on, and of commands no other one; `undefined`: no rule can say that. */
export function ruleFor(call: Wanted): Rule | undefined {
  const { tool, input } = call;
  const command = new Map(Object.entries(input ?? {})).get("command");
  // SECURITY(P12): a star in a rule stands for anything, and the person was shown one command.
  if (typeof command === "string" && command.includes("*")) return undefined;
  // And a rule without a command stands for all of them.
  if (tool.name === "Bash" && (typeof command !== "string" || command === "")) return undefined;
  const rule: Rule = {
    toolName: tool.name,
    ...(typeof command === "string" ? { ruleContent: command } : {}),
  };
  const { decision } = judge({ mode: "default", allow: [ruleText(rule)], deny: [] }, call);
  return decision === "allow" ? rule : undefined;
}
