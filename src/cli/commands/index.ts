import type { Command } from "../command.ts";

/** Every command by name, loaded when it is asked for. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./run.ts")).run,
  agent: async () => (await import("./agent.ts")).agent,
  diff: async () => (await import("./diff.ts")).diff,
  apply: async () => (await import("./apply.ts")).apply,
  discard: async () => (await import("./discard.ts")).discard,
  undo: async () => (await import("./undo.ts")).undo,
  session: async () => (await import("./session.ts")).session,
  report: async () => (await import("./report.ts")).report,
  doctor: async () => (await import("./doctor.ts")).doctor,
  audit: async () => (await import("./audit.ts")).audit,
  policy: async () => (await import("./policy.ts")).policy,
  trust: async () => (await import("./trust.ts")).trust,
};

/** Those of two words, with flags of their own; the first word's own help names them. */
export const subcommands: typeof commands = {
  "session create": async () => (await import("./session-create.ts")).sessionCreate,
  "session exec": async () => (await import("./session-exec.ts")).sessionExec,
  "session export": async () => (await import("./session-export.ts")).sessionExport,
};
