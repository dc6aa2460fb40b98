import { printable } from "../../lib/printable.ts";
import type { FilterText, HostRule, LayersPlan, Plan, Policy, Route, Settings } from "../../model/index.ts";

function section(title: string, lines: readonly string[]): string[] {
  return [`${title}`, ...lines.map((line) => `  ${printable(line)}`), ""];
}

/** A command line with one option a line, as a shell would take it. */
function argvLines(argv: readonly string[]): string[] {
  const quoted = argv.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  const lines: string[] = [];
  for (const word of quoted) {
    const last = lines.at(-1);
    if (last === undefined || word.startsWith("--")) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.flatMap((line) => line.split("\n"));
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.min(60, Math.max(...rows.map((row) => row[column]?.length ?? 0))),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function mountRows(plan: Plan): string[] {
  return columns(
    plan.mounts.map((mount, index) => [
      `${index + 1}`,
      mount.kind,
      mount.target,
      mount.source ?? "-",
      mount.reason,
    ]),
  );
}

function ruleRow(rule: HostRule): string[] {
  return [rule.effect, rule.pattern.text, rule.methods?.join(",") ?? "any method", rule.origin];
}

/** A run without routes says nothing of them. */
function routesSection(routes: readonly Route[]): string[] {
  if (routes.length === 0) return [];
  const rows = routes.map(({ name, upstream, credential, allow, origin }) => {
    const { secure, host, port, path } = upstream;
    const place = host.includes(":") ? `[${host}]` : host;
    const shownPort = port === (secure ? 443 : 80) ? "" : `:${port}`;
    return [
      `http://${name}`,
      `${secure ? "https" : "http"}://${place}${shownPort}${path}`,
      credential === undefined ? "no credential" : `credential in ${credential.header}`,
      allow.map(({ method, below }) => `${method} ${below || "/"}`).join(", "),
      origin,
    ];
  });
  return section(
    "Routes (name in the cell, where the gate leads it, credential, what may be asked, origin)",
    columns(rows),
  );
}

/** The folders stay as they are: what the cell changes lies in the session's records until the person applies it. */
function layersSection({ scratch, merged }: LayersPlan): string[] {
  const rows = merged.map(({ name, lower, layer }) => [lower, layer, `${scratch}/${name}`]);
  return section(
    "Folders merged with a layer by cellhost before that; where they cannot be, a copy that lies beside the layer is bound (folder, layer, place)",
    columns(rows),
  );
}

/** A line for each key of another program's settings that means something else here; none: there is no such file. */
function differencesSection({ differences = [] }: Settings): string[] {
  if (differences.length === 0) return [];
  const lines = differences.map(
    ({ value: { key, theirs, ours, is } }) => `${key} (${is}): there, ${theirs}; here, ${ours}`,
  );
  const title = "Differences from sandbox-runtime, whose settings file this is";
  return section(title, lines);
}

export interface Explained {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly policy: Policy;
  readonly filters: readonly FilterText[];
}

/** `workcell run --explain`: the plan as a person reads it. */
export function renderPlan({ settings, plan, policy, filters }: Explained): string {
  const { rules } = policy.network;
  return [
    `session ${plan.session} (a name of the kind a run gets), profile ${plan.profile}, tier ${plan.tier}, tunnel ${plan.tunnel}`,
    `user ${plan.identity.user}, uid ${plan.identity.uid} inside${plan.root === undefined ? "" : `, ${plan.root.uid} on the host`}; starts in ${plan.workdir}`,
    "",
    ...differencesSection(settings),
    ...section("Command line", argvLines(plan.argv)),
    ...section(
      "Mounts, in the order in which they are made (number, kind, place in the cell, source, reason)",
      mountRows(plan),
    ),
    ...section(
      "Mounts made by cellhost before that (source, place, owner on disk)",
      columns(
        (plan.root?.mounts ?? []).map((m) => [
          m.source,
          m.scratch,
          m.owner === undefined ? "as it is" : `${m.owner.uid}:${m.owner.gid} seen as the session's user`,
        ]),
      ),
    ),
    ...(plan.layers === undefined ? [] : layersSection(plan.layers)),
    ...section(
      "Network rules (deny beats allow; what no rule allows is refused)",
      rules.length === 0 ? ["none: every host is refused"] : columns(rules.map(ruleRow)),
    ),
    ...routesSection(policy.network.routes ?? []),
    ...section(
      "Environment (name, value, origin)",
      columns(plan.environment.map((v) => [v.name, v.value, v.origin])),
    ),
    ...filters.flatMap(({ name, instructions, lines }) =>
      section(`System-call filter ${name} (${instructions} instructions)`, lines),
    ),
  ].join("\n");
}
