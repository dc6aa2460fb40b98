/** Steps in which file systems keep times, in ns. */
const steps = [1n, 100n, 1_000n, 1_000_000n, 10_000_000n, 1_000_000_000n, 2_000_000_000n];
/** Whether a time is one that was given, as far as the file system keeps it. */
export const isTime = (kept: bigint, given: bigint): boolean =>
  steps.some((step) => kept === given - (given % step));
