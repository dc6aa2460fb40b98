const powers = ["", "K", "M", "G", "T"];

/**
 * `512M`, `2.8G`, `64KiB`, `4096`: bytes, in powers of 1024; a fraction of a byte is dropped. Undefined when it is no
 * size. `MB` is none: half of the world reads it as a power of 1000.
 */
export function parseSize(text: string): number | undefined {
  const [, digits = "", unit = ""] = /^(\d{1,15}(?:\.\d{1,6})?)(?:([KMGT])(?:iB)?)?$/i.exec(text) ?? [];
  if (digits === "" || (unit === "" && digits.includes("."))) return undefined;
  const bytes = Math.floor(Number(digits) * 1024 ** powers.indexOf(unit.toUpperCase()));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
