import { nearest } from "../../lib/nearest.ts";
import type { Workplace } from "./workplace.ts";

/** One parameter of a tool, as the model is told of it and as its input is checked. */
export interface Field {
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
  readonly optional?: true;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export type Fields = Readonly<Record<string, Field>>;

type ValueOf<F extends Field> = F["type"] extends "integer"
  ? number
  : F["type"] extends "boolean"
    ? boolean
    : string;

/** The checked input of a tool with these fields. */
export type InputOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends { optional: true } ? ValueOf<F[K]> | undefined : ValueOf<F[K]>;
};

/** A picture or a document, as the Messages API takes it. */
export type Attachment =
  | {
      readonly type: "image";
      readonly source: {
        readonly type: "base64";
        readonly media_type: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
        readonly data: string;
      };
    }
  | {
      readonly type: "document";
      readonly source: {
        readonly type: "base64";
        readonly media_type: "application/pdf";
        readonly data: string;
      };
    };

/** What a tool answers the model. */
export interface ToolAnswer {
  readonly text: string;
  readonly attachments?: readonly Attachment[];
  readonly isError?: boolean;
}

/** A sub-agent's task, and what came of it. */
export type Delegate = (task: {
  readonly description: string;
  readonly prompt: string;
  readonly kind: string;
  readonly model: string | undefined;
  readonly callId: string;
  readonly signal: AbortSignal;
}) => Promise<ToolAnswer>;

/** What one call is made with. */
export interface CallContext {
  readonly callId: string;
  readonly place: Workplace;
  readonly signal: AbortSignal;
  /** Absent in a sub-agent. */
  readonly delegate?: Delegate;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly fields: Fields;
  /** Calls of one message may run side by side, because none of them changes what another one sees. */
  readonly parallel: boolean;
  /** Changes no file and runs no command. */
  readonly readOnly: boolean;
  run(input: unknown, context: CallContext): Promise<ToolAnswer>;
}

/** Something that the model is told, so that it can do better. */
export class ToolFault extends Error {
  override readonly name = "ToolFault";
}

/** Makes a tool whose input is checked before it runs. */
export function defineTool<F extends Fields>(tool: {
  readonly name: string;
  readonly description: string;
  readonly fields: F;
  readonly parallel?: boolean;
  readonly readOnly?: boolean;
  run(input: InputOf<F>, context: CallContext): Promise<ToolAnswer>;
}): Tool {
  return {
    ...tool,
    parallel: tool.parallel ?? false,
    readOnly: tool.readOnly ?? false,
    run: async (input, context) => tool.run(checkInput(tool.fields, input), context),
  };
}

/** The fields as JSON Schema. */
export function schemaOf(fields: Fields) {
  const properties = Object.entries(fields).map(
    ([name, { optional: _, ...field }]) => [name, field] as const,
  );
  const required = Object.keys(fields).filter((name) => fields[name]?.optional !== true);
  return {
    type: "object" as const,
    properties: Object.fromEntries(properties),
    required,
    additionalProperties: false,
  };
}

/** The input if every field is as declared; a number or a truth written as text counts. */
export function checkInput<F extends Fields>(fields: F, input: unknown): InputOf<F> {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    throw new ToolFault("The tool's input is not a JSON object.");
  const known = Object.keys(fields);
  for (const name of Object.keys(input)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    const hint = meant === undefined ? "" : ` Is \`${meant}\` meant?`;
    throw new ToolFault(`The parameter \`${name}\` is unknown; there are: ${known.join(", ")}.${hint}`);
  }
  const given = new Map(Object.entries(input));
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, checkField(name, field, given.get(name))]),
  ) as InputOf<F>;
}

function checkField(name: string, field: Field, given: unknown): string | number | boolean | undefined {
  if (given === undefined || given === null) {
    if (field.optional) return undefined;
    throw new ToolFault(`The parameter \`${name}\` is missing.`);
  }
  const value = coerce(field, given);
  if (value === undefined)
    throw new ToolFault(
      `The parameter \`${name}\` is ${JSON.stringify(given)}; it must be of type ${field.type}.`,
    );
  if (field.enum && !field.enum.includes(String(value)))
    throw new ToolFault(
      `The parameter \`${name}\` is "${value}"; it must be one of: ${field.enum.join(", ")}.`,
    );
  if (typeof value === "number") {
    const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = field;
    if (value < minimum || value > maximum)
      throw new ToolFault(`The parameter \`${name}\` is ${value}; it must be from ${minimum} to ${maximum}.`);
  }
  return value;
}

function coerce({ type }: Field, given: unknown): string | number | boolean | undefined {
  if (type === "string") return typeof given === "string" ? given : undefined;
  const value = given === "true" ? true : given === "false" ? false : given;
  if (type === "boolean") return typeof value === "boolean" ? value : undefined;
  const number = typeof given === "string" && /^-?\d+$/.test(given) ? Number(given) : given;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}
