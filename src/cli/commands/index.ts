import type { Command } from "../command.ts";

/** Every command by name, loaded when it is asked for. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./run.ts")).run,
  report: async () => (await import("./report.ts")).report,
  doctor: async () => (await import("./doctor.ts")).doctor,
  audit: async () => (await import("./audit.ts")).audit,
  policy: async () => (await import("./policy.ts")).policy,
  trust: async () => (await import("./trust.ts")).trust,
};
