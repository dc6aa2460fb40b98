import { type Architecture, architectures } from "./architecture.ts";

/**
 * A call's name as a denial gives it. `audit` is the architecture that the kernel saw the call made for (AUDIT_ARCH_*,
 * from the notification); without it, the machine's own.
 */
export function nameOfCall(arch: Architecture["name"], number: number, audit?: number): string {
  const { audit: own, calls, foreignBit = 0 } = architectures[arch];
  const signed = number | 0;
  if (audit !== undefined && audit >>> 0 !== own) return `32-bit call ${signed}`;
  if (signed >= 0 && (signed & foreignBit) !== 0) return `x32 call ${signed & ~foreignBit}`;
  for (const name in calls) if (calls[name] === signed) return name;
  return `call ${signed}`;
}
