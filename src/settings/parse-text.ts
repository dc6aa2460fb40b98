import type { Origin, Sourced } from "../model/index.ts";
import { invalidValue } from "./invalid-value.ts";

/** The folder of the cell that the command starts in. */
export function parseWorkdir(text: string, origin: Origin): Sourced<string> {
  if (text !== "" && !/\p{Cc}/u.test(text)) return { value: text, origin };
  throw invalidValue({
    what: "working directory",
    value: text,
    origin,
    problem: text === "" ? "it is empty" : "it contains a control character",
    remedy: "Name a folder of the cell, or leave it out",
  });
}

/** The name becomes a folder's name on the host, so nothing outside this alphabet may pass. */
export function parseSessionName(text: string, origin: Origin): Sourced<string> {
  if (/^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) && text.length <= 63) return { value: text, origin };
  throw invalidValue({
    what: "session",
    value: text,
    origin,
    problem: "not a name; it must be at most 63 lower-case letters and digits, with single - between them",
    remedy: "Write it like brave-loving-maxwell",
  });
}
