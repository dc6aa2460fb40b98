import path from "node:path";
import { WorkcellError } from "../errors/index.ts";
import { jsonFault } from "../lib/json-fault.ts";
import { printable } from "../lib/printable.ts";
import type { MountRequest, Sourced } from "../model/index.ts";
import { checkSettingsFile } from "./check-file.ts";
import { quoted } from "./invalid-value.ts";
import type { Layer } from "./layer.ts";
import { parsePresets, parseProfile, parseTier, parseTunnel } from "./parse-choice.ts";
import { parseDuration } from "./parse-duration.ts";
import { readLimits } from "./parse-limits.ts";
import { parseMount } from "./parse-mount.ts";
import { parseWorkdir } from "./parse-text.ts";
import { checkUidRange } from "./parse-uid-range.ts";
import { checkVariable } from "./parse-variable.ts";
import { readRoutes } from "./read-routes.ts";
import type { SettingsFile } from "./schema.ts";
import type { SrtPlace } from "./srt/place.ts";
import { isSrtFile } from "./srt/schema.ts";
import { srtLayer } from "./srt/srt-layer.ts";

function unreadable(file: string, problem: string, cause?: unknown): WorkcellError {
  return new WorkcellError("WC_SETTINGS", {
    message: `Cannot read the settings file ${quoted(file)}: ${problem}`,
    remedy: `Correct ${quoted(file)}, or take it away; an empty object, {}, sets nothing`,
    cause,
  });
}

function parseJson(bytes: Buffer, file: string): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable(file, "it is not UTF-8 text; it must be a JSON object", error);
  }
  if (text.trim() === "") throw unreadable(file, "it is empty; it must be a JSON object");
  const fault = jsonFault(text);
  if (fault === undefined) return JSON.parse(text);
  throw unreadable(file, `it is not JSON at line ${fault.line}, column ${fault.column}`);
}

function readNetwork(network: SettingsFile["network"], from: (key: string) => string): Layer {
  const sourced = (key: "allow" | "deny") =>
    (network?.[key] ?? []).map((value, index) => ({ value, origin: from(`network.${key}[${index}]`) }));
  return {
    allowHosts: sourced("allow"),
    denyHosts: sourced("deny"),
    presets: (network?.presets ?? []).flatMap((name, index) =>
      parsePresets(name, from(`network.presets[${index}]`)),
    ),
  };
}

/** A relative folder starts where the file lies, wherever the command is started. */
function readMount(text: string, origin: string, file: string): Sourced<MountRequest> {
  const { value } = parseMount(text, origin);
  return { value: { ...value, source: path.resolve(path.dirname(file), value.source) }, origin };
}

/** Where a settings file is read; its paths start there when it is sandbox-runtime's. */
export type FilePlace = Omit<SrtPlace, "file">;

/** What a settings file says, Workcell's own or sandbox-runtime's. `file` is its absolute path. */
export function fileLayer(bytes: Buffer, file: string, place: FilePlace): Layer {
  const found = parseJson(bytes, file);
  return isSrtFile(found) ? srtLayer(found, { ...place, file }) : ownLayer(found, file);
}

function ownLayer(found: unknown, file: string): Layer {
  const content = checkSettingsFile(found, file);
  const { profile, tunnel, tier, workdir, timeout, uidRange } = content;
  const from = (key: string) => printable(`settings ${file}: ${key}`);
  return {
    ...(profile !== undefined && { profile: parseProfile(profile, from("profile")) }),
    ...(tunnel !== undefined && { tunnel: parseTunnel(tunnel, from("tunnel")) }),
    ...(tier !== undefined && { tier: parseTier(tier, from("tier")) }),
    ...(workdir !== undefined && { workdir: parseWorkdir(workdir, from("workdir")) }),
    ...(timeout !== undefined && { timeoutMs: parseDuration(timeout, from("timeout")) }),
    ...(uidRange !== undefined && { uidRange: checkUidRange(uidRange, from("uidRange")) }),
    ...readLimits(content, from),
    ...readNetwork(content.network, from),
    ...readRoutes(content.routes, { from, file }),
    mounts: (content.mounts ?? []).map((text, index) => readMount(text, from(`mounts[${index}]`), file)),
    environment: Object.entries(content.environment ?? {}).map(([name, value]) =>
      checkVariable(value === true ? { name } : { name, value }, from(`environment.${name}`)),
    ),
  };
}
