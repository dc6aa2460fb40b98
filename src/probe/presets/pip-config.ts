const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** A string as Python prints it. */
function parsePythonText(text: string): string {
  return text
    .replace(/^(['"])(.*)\1$/s, "$2")
    .replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/g, (_, x?: string, u?: string, other = "") =>
      x !== undefined || u !== undefined
        ? String.fromCharCode(Number.parseInt(x ?? u ?? "", 16))
        : (escapes[other] ?? other),
    );
}

/** pip's own order: the section for all commands, the command's, then the environment. */
const sections = ["global", "install", "download", ":env:"];

/** Reads `pip config list`: `section.key='value'`, one a line. A later section outranks an earlier one. */
export function parsePipConfig(listing: string): Readonly<Record<string, string>> {
  const found: { rank: number; key: string; value: string }[] = [];
  for (const line of listing.split("\n")) {
    const [, section = "", key, value] = /^(:env:|[^.=]+)\.([^=]+)=(.*)$/.exec(line) ?? [];
    const rank = sections.indexOf(section);
    if (key === undefined || value === undefined || rank < 0) continue;
    found.push({ rank, key, value: parsePythonText(value) });
  }
  found.sort((a, b) => a.rank - b.rank);
  return Object.fromEntries(found.map(({ key, value }) => [key, value]));
}

/** What pip uses when nothing is configured, told by pip itself. */
export interface PipDefaults {
  readonly indexUrl: string;
  readonly fileHost: string;
  /** Configuration files of this Python's pip. */
  readonly files: readonly string[];
}

/** Prints what `parsePipDefaults` reads. Isolated from PYTHONPATH and the person's own packages by `-I`. */
export const pipDefaultsScript = `
import json
from pip._internal.models.index import PyPI
from pip._internal.configuration import get_configuration_files
files = [path for paths in get_configuration_files().values() for path in paths]
print(json.dumps([PyPI.simple_url, PyPI.file_storage_domain, files]))
`;

/** Reads the script's answer; undefined when it is none. */
export function parsePipDefaults(line: string): PipDefaults | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(line);
  } catch {
    return undefined; // a pip that has moved its constants: then only what is configured counts
  }
  if (!Array.isArray(answer)) return undefined;
  const [indexUrl, fileHost, files] = answer as unknown[];
  if (typeof indexUrl !== "string" || typeof fileHost !== "string" || !Array.isArray(files)) return undefined;
  return { indexUrl, fileHost, files: files.filter((file) => typeof file === "string") };
}
