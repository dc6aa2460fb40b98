import type { Origin, Sourced } from "../model/index.ts";
import { invalidValue } from "./invalid-value.ts";
import type { Variable } from "./layer.ts";

/** A variable that is set, or passed through when no value is given. */
export function checkVariable(variable: Variable, origin: Origin): Sourced<Variable> {
  const { name, value } = variable;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw invalidValue({
      what: "environment variable",
      value: name,
      origin,
      problem: "not a name; it must be letters, digits and _, and not begin with a digit",
      remedy: "Write it as NAME=VALUE, or as NAME to pass the host's value in",
    });
  }
  if (value?.includes("\0")) {
    throw invalidValue({
      what: `value of the environment variable ${name}`,
      value,
      origin,
      problem: "it contains a NUL, which no variable can hold",
      remedy: `Remove the NUL from the value of ${name}`,
    });
  }
  return { value: variable, origin };
}

/** `NAME=VALUE`, or `NAME` to pass the host's value in. */
export function parseVariable(text: string, origin: Origin): Sourced<Variable> {
  const equals = text.indexOf("=");
  if (equals < 0) return checkVariable({ name: text }, origin);
  return checkVariable({ name: text.slice(0, equals), value: text.slice(equals + 1) }, origin);
}
