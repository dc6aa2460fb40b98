import type { RunningCell } from "../session/index.ts";

/** What would end Workcell, and is the command's to judge. */
const forwarded = [
  ...(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGIO"] as const),
];

/** Interrupts after which the cell is ended without asking its command any more. */
const PATIENCE = 3;

/** Hands the signals that Workcell gets to the command, which decides what they mean. Returns how to stop that. */
export function forwardSignals(
  cell: () => Pick<RunningCell, "kill"> | undefined,
  cancel: AbortController,
): () => void {
  let interrupts = 0;
  const listeners = forwarded.map((name) => {
    const listener = () => {
      if (name === "SIGINT") interrupts += 1;
      const delivered = cell()?.kill(name) ?? false;
      // Before there is a command, a signal means that there shall be none.
      if (!delivered || interrupts >= PATIENCE) cancel.abort();
    };
    process.on(name, listener);
    return () => process.off(name, listener);
  });
  const stop = () => {
    cell()?.kill("SIGSTOP");
    process.kill(process.pid, "SIGSTOP");
  };
  const resume = () => void cell()?.kill("SIGCONT");
  process.on("SIGTSTP", stop);
  process.on("SIGCONT", resume);
  return () => {
    for (const off of listeners) off();
    process.off("SIGTSTP", stop);
    process.off("SIGCONT", resume);
  };
}

/**
 * Hands signals to a further command. Its client is in our process group and takes from a terminal nothing but the
 * window's size: what else a terminal sends comes by us, once. Returns how to stop that.
 */
export function forwardToFurther(further: { kill(signal: NodeJS.Signals): boolean }): () => void {
  const listeners = forwarded.map((name) => {
    const listener = () => void further.kill(name);
    process.on(name, listener);
    return () => process.off(name, listener);
  });
  const stop = () => {
    further.kill("SIGTSTP");
    process.kill(process.pid, "SIGSTOP");
  };
  const resume = () => void further.kill("SIGCONT");
  process.on("SIGTSTP", stop);
  process.on("SIGCONT", resume);
  return () => {
    for (const off of listeners) off();
    process.off("SIGTSTP", stop);
    process.off("SIGCONT", resume);
  };
}
