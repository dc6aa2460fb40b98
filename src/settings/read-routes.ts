import path from "node:path";
import type { CredentialSource, RouteSetting } from "../model/index.ts";
import { invalidValue } from "./invalid-value.ts";
import type { Layer } from "./layer.ts";
import { parseDuration } from "./parse-duration.ts";
import { checkVariable } from "./parse-variable.ts";
import type { SettingsFile } from "./schema.ts";

/** How long a command may take to give a credential, in `ms`. */
const COMMAND_MS = 10_000;

interface Place {
  from(key: string): string;
  /** The settings file. */
  readonly file: string;
}

type Routes = NonNullable<SettingsFile["routes"]>;
type Source = NonNullable<Routes[string]["credential"]>["from"];

/** What a settings file says of routes. Names and upstreams are policy's to check. */
export function readRoutes(routes: SettingsFile["routes"] = {}, place: Place): Pick<Layer, "routes"> {
  const found = Object.entries(routes).map(([name, { upstream, credential, allow }]) => {
    const origin = place.from(`routes.${name}`);
    const field = credential && {
      header: credential.header,
      ...(credential.scheme && { scheme: credential.scheme }),
      ...(credential.also && { also: credential.also }),
      from: readSource(credential.from, `${origin}.credential.from`, place),
    };
    const value: RouteSetting = {
      name,
      upstream,
      ...(field && { credential: field }),
      ...(allow && { allow }),
    };
    return { value, origin };
  });
  return found.length === 0 ? {} : { routes: found };
}

function readSource(source: Source, origin: string, { file }: Place): CredentialSource {
  if ("environment" in source) {
    return { environment: checkVariable({ name: source.environment }, `${origin}.environment`).value.name };
  }
  if ("file" in source) {
    return { file: path.resolve(path.dirname(file), checkText(source.file, `${origin}.file`)) };
  }
  const { command, timeout } = source;
  const timeoutMs = timeout === undefined ? COMMAND_MS : parseDuration(timeout, `${origin}.timeout`).value;
  checkText(command[0] ?? "", `${origin}.command`);
  return { command: command.map((word) => checkWord(word, `${origin}.command`)), timeoutMs };
}

// SECURITY(P15): what stands where a source is expected is not shown: it may be the credential itself.
function unusable(origin: string, problem: string, remedy: string) {
  return invalidValue({ what: "source of a credential", value: "(not shown)", origin, problem, remedy });
}

function checkText(text: string, origin: string): string {
  if (text !== "") return checkWord(text, origin);
  const example = 'Write it like {"file": "model.key"} or {"command": ["pass", "show", "model"]}';
  throw unusable(origin, "it is empty", example);
}

function checkWord(text: string, origin: string): string {
  if (!text.includes("\0")) return text;
  throw unusable(
    origin,
    "it contains a NUL, which no path and no word of a command can hold",
    "Remove the NUL",
  );
}
