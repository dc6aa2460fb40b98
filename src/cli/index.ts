/**
 * cli: the command line.
 * in: words. out: an exit code, and what the person reads.
 * may import: settings, policy, probe, plan, report, observe, session.
 */
export { main } from "./main.ts";
