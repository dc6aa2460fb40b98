import { runAgent } from "./run-agent.ts";

declare const WORKCELL_VERSION: string;

/** What a list of the cell's processes shows. */
process.title = "workcell-agent";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

void runAgent(process.argv.slice(2), {
  version: WORKCELL_VERSION,
  cwd: process.cwd(),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onSignal: (heard) => {
    for (const signal of signals) process.on(signal, () => heard(signal));
  },
}).then((code) => {
  process.exitCode = code;
});
