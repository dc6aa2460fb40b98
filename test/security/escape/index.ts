export type { Alone, EscapeAttempt, Section } from "./attempt.ts";
export { escapeAttempts } from "./attempts.ts";
export { compileEscapes } from "./program.ts";
export { noSandbox, type Place, tryEscapes } from "./try.ts";
export type { Verdict } from "./verdict.ts";
