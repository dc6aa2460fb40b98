import { WorkcellError } from "../../errors/index.ts";
import { printable } from "../../lib/printable.ts";
import type { Command } from "../command.ts";
import { isPath, judge, type Verdict } from "../judge.ts";
import { readSettingsFlags, settingsFlagsNamed } from "../settings-flags.ts";

function usageError(problem: string): WorkcellError {
  return new WorkcellError("WC_USAGE", {
    message: `Cannot read the command line: ${problem}`,
    remedy: "See: workcell policy --help",
  });
}

function render({ subject, decision, layer, rule, origin, remedy }: Verdict): string {
  const lines = [
    `${decision === "allow" ? "allowed" : "refused"}  ${subject}`,
    `  ${layer}: ${rule}`,
    `  from: ${origin}`,
    ...(remedy === undefined ? [] : [`  to allow it: ${remedy}`]),
  ];
  return `${lines.map(printable).join("\n")}\n`;
}

/** Says whether the cell of a run with these flags may reach a host, or see a path of the host. */
export const policy: Command = {
  name: "policy",
  summary: "say whether a host or a path is allowed, by which rule",
  usage: "check [FLAGS] HOST[:PORT]|PATH",
  notes: [
    "Asks for a run with these flags, and starts nothing. What begins with / or . is a PATH. Exits 0 when it is allowed, 1 when it is refused.",
  ],
  flags: [
    ...settingsFlagsNamed("mount", "allow-path", "allow-host", "deny-host", "preset", "profile", "settings"),
    { name: "write", help: "ask about writing to PATH instead of reading it" },
    { name: "json", help: "print the answer as JSON" },
  ],
  example: "workcell policy check --preset npm registry.example.org",
  async run(flags, words, context) {
    const [verb, what, ...rest] = words;
    if (verb !== "check") {
      throw usageError(
        verb === undefined
          ? "nothing is asked; check HOST or check PATH is needed"
          : `"${verb}" is not a part of workcell policy, check is needed`,
      );
    }
    if (what === undefined || what === "" || rest.length > 0) {
      throw usageError(
        `${rest.length > 0 ? "more than one" : "no"} HOST or PATH is given, and one is needed`,
      );
    }
    if (flags.has("write") && !isPath(what)) throw usageError('"--write" is for a PATH, and a HOST is given');
    // Help and the list of commands need none of it.
    const { decide, explainRun, whyNotConnected } = await import("../../session/index.ts");
    const onNotice = (line: string) => void context.stderr.write(`workcell: ${printable(line)}\n`);
    const asked = { ...context, flags: readSettingsFlags(flags) };
    const decided = await decide({ ...asked, onNotice });
    const access = flags.has("write") ? "write" : "read";
    const verdict = await judge(decided.policy, {
      ...{ what, access, cwd: context.cwd },
      kept: decided,
      whyNot: (folder, mode) => whyNotConnected(decided, folder, mode),
      shown: async (place) => {
        const { shownAt } = await import("../../plan/index.ts");
        return shownAt((await explainRun({ ...asked, command: ["true"] })).plan.mounts, place);
      },
    });
    context.stdout.write(flags.has("json") ? `${JSON.stringify(verdict)}\n` : render(verdict));
    return verdict.decision === "allow" ? 0 : 1;
  },
};
