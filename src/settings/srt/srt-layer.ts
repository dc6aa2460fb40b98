import { printable } from "../../lib/printable.ts";
import { checkShape } from "../check-file.ts";
import type { Layer } from "../layer.ts";
import { checkVariable } from "../parse-variable.ts";
import { differencesOf } from "./differences.ts";
import { readFilesystem } from "./filesystem.ts";
import { readNetworkOf } from "./network.ts";
import type { SrtPlace } from "./place.ts";
import { type SrtFile, srtFileSchema } from "./schema.ts";

const shape = { schema: srtFileSchema, eitherOf: 'a path, or {"path": PATH, "literal": true}' };

function hiddenVariables({ credentials }: SrtFile, from: (key: string) => string) {
  return (credentials?.envVars ?? []).map(({ name }, index) => {
    const origin = from(`credentials.envVars[${index}]`);
    return { value: checkVariable({ name }, origin).value.name, origin };
  });
}

/**
 * What a settings file of sandbox-runtime says, in Workcell's terms: the same or stricter, with the differences.
 * Throws WC_SETTINGS for what would be weaker without something that Workcell does not have.
 */
export function srtLayer(content: unknown, place: SrtPlace): Layer {
  const file = checkShape(content, place.file, shape);
  const from = (key: string) => printable(`settings ${place.file}: ${key}`);
  const paths = readFilesystem(file, place, from);
  return {
    ...readNetworkOf(file, place, from),
    ...paths,
    ...(file.network.allowAllUnixSockets !== true && {
      refuseUnixSockets: { value: true, origin: from("network.allowAllUnixSockets") },
    }),
    hiddenVariables: hiddenVariables(file, from),
    differences: [
      ...differencesOf(file).map((value) => ({ value, origin: from(value.key) })),
      ...(paths.differences ?? []),
    ],
  };
}
