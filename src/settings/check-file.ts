import * as z from "zod/mini";
import type { WorkcellError } from "../errors/index.ts";
import { nearest } from "../lib/nearest.ts";
import { invalidValue, quoted } from "./invalid-value.ts";
import { type SettingsFile, settingsFileSchema } from "./schema.ts";

/** The shape that a file must have, and what its values of several kinds may be. */
export interface FileShape<S extends z.core.$ZodType> {
  readonly schema: S;
  readonly eitherOf: string | ((path: Path) => string);
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

const ownShape: FileShape<typeof settingsFileSchema> = {
  schema: settingsFileSchema,
  eitherOf: ([first]) =>
    first === "routes"
      ? 'one of {"environment": NAME}, {"file": PATH} and {"command": [PROGRAM, ...]}'
      : "a string, or true to pass the host's value in",
};

/** `network.allow[2]`. */
function spelled(path: Path): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

function valueAt(content: unknown, path: Path): unknown {
  return path.reduce(
    (value: unknown, key) =>
      typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    content,
  );
}

/** The keys that may stand at a place of the file. */
function knownKeys(path: Path, shape: z.core.$ZodType): readonly string[] {
  const schema = path.reduce((at: unknown, key): unknown => {
    const inner = at instanceof z.ZodMiniOptional ? at.def.innerType : at;
    if (inner instanceof z.ZodMiniArray) return inner.def.element;
    if (inner instanceof z.ZodMiniRecord) return inner.def.valueType;
    return inner instanceof z.ZodMiniObject ? inner.shape[String(key)] : undefined;
  }, shape);
  const inner = schema instanceof z.ZodMiniOptional ? schema.def.innerType : schema;
  return inner instanceof z.ZodMiniObject ? Object.keys(inner.shape) : [];
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value === undefined) return "missing";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

const wanted: Readonly<Record<string, string>> = {
  array: "a list",
  int: "a whole number",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a string",
};

function neededBy(issue: Issue, eitherOf: FileShape<z.core.$ZodType>["eitherOf"]): string {
  if (issue.code === "invalid_type") return wanted[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return `one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "invalid_union") return typeof eitherOf === "string" ? eitherOf : eitherOf(issue.path);
  return issue.code === "too_small" ? `at least ${issue.minimum}` : "another value";
}

function unknownKey(
  issue: Issue & { readonly code: "unrecognized_keys" },
  file: string,
  schema: z.core.$ZodType,
): WorkcellError {
  const [key = ""] = issue.keys;
  const known = knownKeys(issue.path, schema);
  const close = nearest(key, known);
  return invalidValue({
    what: "setting",
    value: spelled([...issue.path, key]),
    origin: `settings ${file}`,
    problem: `there is no such setting${close === undefined ? "" : `; the nearest is "${spelled([...issue.path, close])}"`}`,
    remedy: `Remove it, or use one of ${known.join(", ")}`,
  });
}

/** The first thing that is wrong: one matter, one message. */
function faultOf<S extends z.core.$ZodType>(
  issue: Issue,
  { content, file }: { readonly content: unknown; readonly file: string },
  shape: FileShape<S>,
): WorkcellError {
  if (issue.code === "unrecognized_keys") return unknownKey(issue, file, shape.schema);
  const value = valueAt(content, issue.path);
  const at = spelled(issue.path);
  const needed = neededBy(issue, shape.eitherOf);
  const found = issue.code === "invalid_type" || issue.code === "invalid_union";
  return invalidValue({
    what: at === "" ? "settings" : "setting",
    // SECURITY(P15): where a credential is expected, one may have been written.
    value: value === undefined || issue.path.includes("credential") ? at : value,
    origin: at === "" ? `settings ${file}` : `settings ${file}: ${at}`,
    problem: `${found ? `it is ${kindOf(value)}` : "it is no such value"}; it must be ${needed}`,
    remedy: `Change ${at === "" ? "the file" : at} in ${quoted(file)}; the keys and their values are in docs/settings.md`,
  });
}

/** Takes a file's content into the program by a shape, or says what is wrong with it. */
export function checkShape<S extends z.core.$ZodType>(
  content: unknown,
  file: string,
  shape: FileShape<S>,
): z.infer<S> {
  const result = z.safeParse(shape.schema, content);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue === undefined) throw new TypeError("A refused file has no issue");
  throw faultOf(issue, { content, file }, shape);
}

/** The same for a settings file of Workcell's own. */
export function checkSettingsFile(content: unknown, file: string): SettingsFile {
  return checkShape(content, file, ownShape);
}
