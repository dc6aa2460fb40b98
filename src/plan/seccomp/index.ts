import type { Filter } from "../../model/index.ts";
import { type Architecture, architectures } from "./architecture.ts";
import { compileRules } from "./compile.ts";
import { describeRules } from "./describe.ts";
import { kernelSurface } from "./kernel-surface.ts";
import { otherProcesses } from "./other-processes.ts";
import type { Refusal, RuleSet } from "./rule.ts";
import { noUnixSockets, socketsAndModes } from "./sockets-and-modes.ts";

export { nameOfCall } from "./name-of-call.ts";

/** A filter with its rules as text, a line each. */
export interface DescribedFilter extends Filter {
  readonly text: readonly string[];
}

/** How the filters of one cell are made. */
export interface FilterOptions {
  /** `notify` once something holds the second filter's listener. */
  readonly refuse?: Refusal;
  /** PIDs, as the cell counts them, that are Workcell's own: those of the reference tunnel if not given. */
  readonly helpers?: readonly number[];
  /** True: the command can make no UNIX socket. */
  readonly refusesUnixSockets?: boolean;
}

/**
 * The second filter, for the command alone. It repeats the first, because the kernel gives a refusal of both to the
 * newest: only the second has a listener, so only what it refuses itself is recorded.
 */
function commandOnly(helpers: readonly number[], refusesUnixSockets: boolean): RuleSet {
  return {
    ...kernelSurface,
    name: "sockets and mode bits",
    rules: [...(refusesUnixSockets ? [noUnixSockets] : []), ...socketsAndModes, ...otherProcesses(helpers)],
    behind: kernelSurface,
  };
}

/** The two filters of a cell, in the order in which they are installed: what is not listed is refused by both. */
export function buildFilters(
  arch: Architecture["name"],
  { refuse = "errno", helpers = [1, 2, 3, 4], refusesUnixSockets = false }: FilterOptions = {},
): readonly DescribedFilter[] {
  const architecture = architectures[arch];
  return [kernelSurface, commandOnly(helpers, refusesUnixSockets)].map((rules) => ({
    name: rules.name,
    program: compileRules(rules, architecture, refuse),
    text: describeRules(rules, architecture, refuse),
  }));
}
