import type { Origin, ProfileName } from "../model/index.ts";

const GIB = 1024 ** 3;

/** What holds where no source says otherwise; the host bounds it further. */
export interface DefaultLimits {
  readonly memoryBytes: number;
  /** True: half of the host's memory when that is less. */
  readonly atMostHalfOfMemory: boolean;
  readonly cpus: number;
  readonly pids: number;
  readonly openFiles: number;
  readonly diskBytes: number;
}

/** The limits that a profile carries. `cowork` has what the reference's cells can use. */
export function defaultLimits(profile: ProfileName): DefaultLimits {
  const reference = profile === "cowork";
  return {
    memoryBytes: Math.floor((reference ? 2.8 : 4) * GIB),
    atMostHalfOfMemory: !reference,
    cpus: 4,
    pids: 512,
    openFiles: 1024,
    // A disk of 10 GB is sold, and named in the reference, in powers of 1000.
    diskBytes: 10_000_000_000,
  };
}

export const defaultLimitsOrigin = (profile: ProfileName): Origin => `profile ${profile}`;
