import { type ErrorCode, errorExitCodes } from "./catalogue.ts";

/** What went wrong, told so that the person can act on it. */
export interface ErrorParts {
  /** What was attempted, the value in quotes, the state found and the state needed. */
  readonly message: string;
  /** One imperative sentence with the exact command or setting. */
  readonly remedy: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Workcell's one error class: match on `code`, never on the message. */
export class WorkcellError extends Error {
  override readonly name = "WorkcellError";
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = code;
    this.remedy = parts.remedy;
    this.details = parts.details ?? {};
  }

  /** Exit code of the command line for this error. */
  get exitCode(): number {
    return errorExitCodes[this.code];
  }
}

/** The error's code if it is one of ours or Node's, else undefined. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
