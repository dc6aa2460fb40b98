/**
 * model: the shared vocabulary. Types and constants only.
 * in: nothing. out: the words that all rooms speak.
 * may import: nothing.
 */
export * from "./audit.ts";
export * from "./changes.ts";
export * from "./host-facts.ts";
export * from "./limits.ts";
export * from "./outcome.ts";
export * from "./plan.ts";
export * from "./policy.ts";
export * from "./report.ts";
export * from "./route.ts";
export * from "./settings.ts";
