import * as z from "zod/mini";
import { CREDENTIAL_HEADERS, PRESET_NAMES, WAIVABLE_NAMES } from "../model/index.ts";
import { PROFILE_NAMES, TIER_NAMES, TUNNEL_NAMES } from "./parse-choice.ts";

/** A setting that may be left out, with its line in the published schema and in docs/settings.md. */
function setting<S extends z.core.$ZodType>(schema: S, description: string) {
  const optional = z.optional(schema);
  z.globalRegistry.add(optional, { description });
  return optional;
}

const networkSchema = z.strictObject({
  allow: setting(
    z.array(z.string()),
    "Hosts that connections may go to: `name`, `*.suffix`, an address; `:port` limits to one port.",
  ),
  deny: setting(z.array(z.string()), "Hosts that are refused, whatever allows them."),
  presets: setting(
    z.array(z.enum(PRESET_NAMES)),
    "Allow what the host's own tools are set up for: `npm`, `pip`, `apt`, `git`.",
  ),
});

const variableSchema = z
  .union([z.string(), z.literal(true)])
  .register(z.globalRegistry, { description: "The variable's value; true passes the host's value in." });

const sourceSchema = z
  .union([
    z.strictObject({ environment: z.string() }),
    z.strictObject({ file: z.string() }),
    z.strictObject({ command: z.array(z.string()), timeout: z.optional(z.string()) }),
  ])
  .register(z.globalRegistry, {
    description:
      '`{"environment": NAME}`, `{"file": PATH}` (only you may read it; a relative one starts at the file\'s own folder), or `{"command": [PROGRAM, ...], "timeout": "10s"}`.',
  });

const routeSchema = z.strictObject({
  upstream: z.string().register(z.globalRegistry, {
    description: "Where it leads: `https://host[:port][/path]`, or the same with http.",
  }),
  credential: setting(
    z.strictObject({
      header: z.enum(CREDENTIAL_HEADERS),
      scheme: z.optional(z.enum(["Bearer"])),
      also: z.optional(z.record(z.string(), z.string())),
      from: sourceSchema,
    }),
    "What the gate puts in: the header field, the word before the value, fields that go with it, and where the value comes from.",
  ),
  allow: setting(
    z.array(z.string()),
    "What may be asked, a method and where its paths begin: `POST /v1`; absent: POST and GET below `/v1`.",
  ),
});

/** A settings file. What the texts mean is checked afterwards, by the readers that flags go through too. */
export const settingsFileSchema = z.strictObject({
  $schema: setting(z.string(), "Where an editor finds this schema; Workcell does not read it."),
  profile: setting(z.enum(PROFILE_NAMES), "The profile: `cowork` (the reference) or `standard`."),
  tunnel: setting(
    z.enum(TUNNEL_NAMES),
    "How a cell reaches the gate: `direct` (the gate accepts in the cell itself) or `socat` (the reference's forwarders).",
  ),
  tier: setting(z.enum(TIER_NAMES), "What separates a cell from the host: `process`; `vm` is not built yet."),
  network: setting(networkSchema, "What may be reached."),
  routes: setting(
    z.record(z.string(), routeSchema),
    "Names in the cell, as in `http://model.workcell/`, that the gate maps to an upstream with a credential of the host's. A folder's own file may set none.",
  ),
  mounts: setting(
    z.array(z.string()),
    "Folders to connect, `DIR[:NAME][:MODE]` with the mode `review` (when none is said), `auto`, `ro` or `rw`; a name is for `cowork`; a relative one starts at the file's own folder.",
  ),
  workdir: setting(z.string(), "The folder of the cell that the command starts in."),
  environment: setting(
    z.record(z.string(), variableSchema),
    "Variables of the cell: a value, or `true` to pass the host's value in.",
  ),
  timeout: setting(z.string(), "Time after which a command is ended: `500ms`, `30s`, `5m`, `2h`."),
  cpus: setting(z.number(), "CPUs' worth of time, up to what the host has: `2`, `0.5`."),
  memory: setting(
    z.string(),
    "Memory, at least `16M`: `512M`, `2.8G`. Sizes are powers of 1024: `K`, `M`, `G`, `T`, or bytes.",
  ),
  pids: setting(z.int(), "Processes and threads together, at least 16."),
  disk: setting(
    z.string(),
    "Disk of the session, at least `16M`: home, `/tmp` and pending changes together.",
  ),
  output: setting(z.string(), "What stdout and stderr together may carry before the command is ended."),
  idle: setting(z.string(), "Time without output or input after which a command is ended: `30s`, `5m`."),
  waive: setting(
    z.array(z.enum(WAIVABLE_NAMES)),
    "Limits and layers to do without: `memory`, `swap`, `pids`, `cpus`, `disk`; `landlock` where the kernel has none.",
  ),
  uidRange: setting(
    z.strictObject({
      first: z.int().check(z.minimum(0), z.describe("The lowest uid, at least 1000.")),
      last: z.int().check(z.minimum(0), z.describe("The highest uid.")),
    }),
    "Host uids that root's sessions run as.",
  ),
});

export type SettingsFile = z.infer<typeof settingsFileSchema>;

/** The settings file's JSON Schema, as docs/settings.schema.json publishes it. */
export function settingsJsonSchema(): unknown {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Workcell settings",
    description: "A settings file of Workcell: settings.json, .workcell.json, or the file of --settings.",
    ...z.toJSONSchema(settingsFileSchema, { target: "draft-2020-12" }),
  };
}
