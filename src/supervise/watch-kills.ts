export interface KillWatch {
  /** Processes that the kernel has ended at the memory limit so far. */
  countKills(): number;
  /** Called once, after the first. */
  onKilled(): void;
}

const LOOK_MS = 100;

/**
 * Version 1 of control groups ends one process at the memory limit and lets the rest go on, which may then hang or
 * fail in odd ways. This ends the whole cell instead, as version 2 does by itself.
 */
export function watchKills({ countKills, onKilled }: KillWatch): { stop(): void } {
  const timer = setInterval(() => {
    if (countKills() === 0) return;
    clearInterval(timer);
    onKilled();
  }, LOOK_MS);
  return { stop: () => clearInterval(timer) };
}
