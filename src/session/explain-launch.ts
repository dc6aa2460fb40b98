import { WorkcellError } from "../errors/index.ts";
import type { HostFacts } from "../model/index.ts";

/** A start that failed for what the machine does not allow, said as such; every other error as it is. */
export async function explainLaunch(error: unknown, facts: HostFacts): Promise<unknown> {
  if (!(error instanceof WorkcellError) || error.code !== "WC_LAUNCH") return error;
  // Loaded only here: a start that succeeds needs nothing of the doctor's.
  const { explainStartHere } = await import("../probe/index.ts");
  const { environment, bwrap } = facts;
  const explained = await explainStartHere(error.message, environment, bwrap.path);
  if (explained === undefined) return error;
  return new WorkcellError("WC_HOST", {
    message: `Cannot start a cell: ${explained.reason} (${error.message})`,
    remedy: explained.remedy,
    cause: error,
  });
}
