import type { DoctorCheck } from "../model/index.ts";
import type { DoctorContext } from "./doctor/examination.ts";

export type { DoctorContext };

/** Tries everything that Workcell rests on, all at once, and leaves nothing behind. */
export async function runDoctor(context: DoctorContext): Promise<readonly DoctorCheck[]> {
  // Loaded only here: whoever opens this room to start a cell needs none of the checks.
  const { examineAll } = await import("./doctor/examine-all.ts");
  return examineAll(context);
}

/** One line: `11 of 12 fine; cgroup v1: memory limit works, swap limit does not`. */
export function summarizeDoctor(results: readonly DoctorCheck[]): string {
  const flawed = results.filter(({ status }) => status !== "ok");
  const fine = results.length - flawed.length;
  // The reasons in brackets are for the table.
  const tellings = flawed.map(({ found }) => found.replace(/ \(.*\)$/s, ""));
  return [`${fine} of ${results.length} fine`, ...tellings].join("; ");
}
