/**
 * plan: says exactly how a cell will be started. PURE.
 * in: Settings, Policy, HostFacts, the session and the command. out: a Plan, as data.
 * may import: settings, policy.
 */
export { launchEnvironment, withCommand } from "./argv.ts";
export { buildPlan, type PlanInput } from "./build-plan.ts";
export { caVariables } from "./environment.ts";
export { isLayered, planFolders } from "./folders.ts";
export { compileFilters, describeFilters, nameOfCall } from "./seccomp/cell-filters.ts";
export { type Shown, shownAt } from "./shown-at.ts";
export { optionalPaths } from "./system-view.ts";
