import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { defaultLimits } from "./default-limits.ts";
import { SETTINGS_VARIABLES } from "./environment-layer.ts";
import { PROFILE_NAMES } from "./parse-choice.ts";
import { profileLayer } from "./profiles.ts";
import { settingsFileSchema, settingsJsonSchema } from "./schema.ts";

const docs = path.resolve(import.meta.dirname, "../../docs");
const published: unknown = JSON.parse(readFileSync(path.join(docs, "settings.schema.json"), "utf8"));
const page = readFileSync(path.join(docs, "settings.md"), "utf8");

interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
}

/** `key` and its description, keys of objects under their own name. */
function keysOf(schema: Described, prefix = ""): readonly (readonly [string, string])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [
    [`${prefix}${key}`, inner.description ?? ""] as const,
    ...keysOf(inner, `${prefix}${key}.`),
  ]);
}

/** The rows of the tables under a heading: what stands between back quotes first, then the text. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const [, after = ""] = page.split(`\n## ${heading}\n`);
  const [section = ""] = after.split("\n## ");
  return [...section.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, key = "", text = ""]) => [key, text]);
}

test("docs/settings.schema.json is what settingsJsonSchema() says", () => {
  expect(published).toEqual(settingsJsonSchema());
});

test("docs/settings.md describes every key as the schema does", () => {
  expect(rowsUnder("Keys")).toEqual(keysOf(settingsJsonSchema() as Described));
});

test("docs/settings.md describes every variable", () => {
  expect(rowsUnder("Environment")).toEqual(Object.entries(SETTINGS_VARIABLES));
});

test("docs/settings.md says what each profile carries", () => {
  const carried = PROFILE_NAMES.map((name) => {
    const { tunnel, tier, presets } = profileLayer(name);
    return [name, tunnel.value, tier.value, presets.map(({ value }) => value).join(", ") || "none"];
  });
  expect(rowsUnder("Profiles").map(([name, rest = ""]) => [name, ...rest.split(" | ")])).toEqual(carried);
});

test("docs/settings.md says what each profile's cells may use", () => {
  const limits = PROFILE_NAMES.map((name) => {
    const { memoryBytes, atMostHalfOfMemory, cpus, pids, openFiles, diskBytes } = defaultLimits(name);
    const memory = `${Math.round(memoryBytes / 1024 ** 2 / 102.4) / 10} GiB`;
    const half = atMostHalfOfMemory ? ", at most half of the host's" : "";
    return [name, memory + half, ...[cpus, pids, openFiles].map(String), `${diskBytes / 1e9} GB`];
  });
  expect(rowsUnder("Limits").map(([name, rest = ""]) => [name, ...rest.split(" | ")])).toEqual(limits);
});

test("the example of docs/settings.md is a settings file", () => {
  const [, example = ""] = /```json\n([\s\S]+?)```/.exec(page) ?? [];
  expect(settingsFileSchema.safeParse(JSON.parse(example))).toMatchObject({ success: true });
});
