/**
 * errors: one error class and the catalogue of its codes.
 * in: what went wrong. out: an error with a code, a message and a remedy.
 * may import: nothing.
 */
export { type ErrorCode, errorExitCodes } from "./catalogue.ts";
export { codeOf, type ErrorParts, WorkcellError } from "./workcell-error.ts";
