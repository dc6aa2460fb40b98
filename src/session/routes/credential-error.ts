import { WorkcellError } from "../../errors/index.ts";
import type { Origin } from "../../model/index.ts";

/** Whose credential it is, for messages. */
export interface CredentialOf {
  readonly route: string;
  readonly origin: Origin;
}

/** The error for a credential that cannot be had. SECURITY(P15): nobody may pass the value, or what a program printed. */
export function cannotHave(of: CredentialOf, problem: string, remedy: string): WorkcellError {
  return new WorkcellError("WC_CREDENTIAL", {
    message: `Cannot have the credential of the route "${of.route}" (${of.origin}): ${problem}`,
    remedy,
    details: { route: of.route, origin: of.origin },
  });
}

const limitBytes = 16 * 1024;

/** A credential as it goes into a header field, without the line end that files and programs put behind it. */
export function checkedValue(text: string, of: CredentialOf, where: string): string {
  const value = text.trim();
  if (value !== "" && value.length <= limitBytes && /^[\x20-\x7e]+$/.test(value)) return value;
  const found = value === "" ? "is empty" : "is no one line of printable ASCII";
  throw cannotHave(
    of,
    `${where} ${found}, and the value alone is needed`,
    `Put the value alone into ${where}`,
  );
}
