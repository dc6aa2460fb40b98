/** A JSON object that came out of a cell: nothing of it is sure to be there. */
export type Fields = Readonly<Record<string, unknown>>;

/** The fields of a value; none where it is no object. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** The objects of a list. */
export const listOf = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? value.map(fieldsOf) : [];

/** A text, or an empty one. */
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** A number, or none at all. */
export const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);

/** A line as an object; a line that cannot be read says nothing. */
export function parsedLine(line: string): Fields {
  try {
    return fieldsOf(JSON.parse(line));
  } catch {
    // Not every agent keeps its stdout for messages alone.
    return {};
  }
}
