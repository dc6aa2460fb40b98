import { WorkcellError } from "../../src/errors/index.ts";

/** How a refusal reads, for comparison as a whole. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** The WorkcellError that something fails with; anything else is the test's own failure. */
export async function failureOf(attempt: () => unknown): Promise<Failure> {
  let result: unknown;
  try {
    result = await attempt();
  } catch (error) {
    if (!(error instanceof WorkcellError)) throw error;
    return { code: error.code, message: error.message, remedy: error.remedy };
  }
  throw new TypeError(`Expected a refusal, and got ${JSON.stringify(result)}`);
}
