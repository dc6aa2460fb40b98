import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/helpers/longest-first.ts";

const forks = { pool: "forks" as const, maxWorkers: 2 };
/** Real cells are waited for more than they compute. */
const waiting = { ...forks, maxWorkers: 3 };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // They share nothing but Node: one process of each worker serves all files.
        test: { name: "unit", include: ["src/**/*.test.ts"], testTimeout: 20_000, isolate: false, ...forks },
      },
      { test: { name: "contract", include: ["test/contract/**/*.test.ts"], testTimeout: 20_000, ...forks } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts", "test/security/**/*.test.ts"],
          globalSetup: ["test/helpers/whole-run.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          ...waiting,
        },
      },
    ],
  },
});
