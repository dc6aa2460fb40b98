import { readlinkSync } from "node:fs";
import type { Check, Examination, Finding } from "./examination.ts";
import { explainFailure, explainIdentity } from "./explain-failure.ts";
import { installRemedy } from "./install-remedy.ts";
import { cellNamespaces, runInSandbox } from "./sandbox.ts";

const script = [
  `for n in ${cellNamespaces.join(" ")}; do readlink /proc/self/ns/$n || echo none; done`,
  "read -r name < /proc/1/comm; echo $name",
  "while read -r key value; do [ $key = CapEff: ] && echo $value; done < /proc/self/status",
  "read -r name < /proc/sys/kernel/hostname; echo $name",
].join("\n");

/** What in the sandbox is not as asked; empty when all is. */
export function flawsOf(inside: string, outside: readonly string[]): readonly string[] {
  const lines = inside.trim().split("\n");
  const shared = cellNamespaces.flatMap((name, index) => {
    if (!lines[index]?.startsWith(`${name}:[`)) return [`the ${name} namespace is missing`];
    return lines[index] === outside[index] ? [`the ${name} namespace is the host's`] : [];
  });
  const [first, capabilities = "", hostname] = lines.slice(cellNamespaces.length);
  return [
    ...shared,
    ...(first === "bwrap" ? [] : ["/proc is not its own"]),
    ...(/^0+$/.test(capabilities) ? [] : [`it has capabilities (${capabilities})`]),
    ...(hostname === "claude" ? [] : ["its host name could not be set"]),
  ];
}

async function examine(examination: Examination): Promise<Finding> {
  const bwrap = examination.find("bwrap");
  if (bwrap === undefined)
    return {
      status: "missing",
      found: "bubblewrap: no bwrap on PATH",
      remedy: installRemedy(examination, "bubblewrap"),
    };
  const [version, built] = await Promise.all([
    examination.run(bwrap, ["--version"]),
    runInSandbox(examination, bwrap, script),
  ]);
  const number = /\d[\d.]*/.exec(version.stdout)?.[0] ?? "of unknown version";
  const who = `as uid ${examination.cellIdentity.uid}`;
  if (built.code !== 0) {
    const { reason, remedy } =
      built.failure === undefined || examination.uid !== 0
        ? explainFailure(built.failure ?? built.stderr, examination.limits, bwrap)
        : explainIdentity(examination.cellIdentity.uid, built.failure);
    return { status: "missing", found: `bubblewrap ${number} builds no sandbox ${who}: ${reason}`, remedy };
  }
  const outside = cellNamespaces.map((name) => readlinkSync(`/proc/self/ns/${name}`));
  const flaws = flawsOf(built.stdout, outside);
  if (flaws.length > 0)
    return {
      status: "missing",
      found: `bubblewrap ${number} builds a sandbox with flaws: ${flaws.join(", ")}`,
      remedy: installRemedy(examination, "bubblewrap"),
    };
  const masked = "isMasked" in built ? "; /proc is masked here, and root's cells get a whole one" : "";
  return { status: "ok", found: `bubblewrap ${number} builds a sandbox ${who}${masked}` };
}

/** bubblewrap: a sandbox is built as a cell's is, and looked at from inside. */
export const checkBubblewrap: Check = {
  id: "bubblewrap",
  title: "bubblewrap",
  needed: "bwrap 0.8.0 or newer, able to make namespaces and a fresh /proc",
  without: "No cell starts: Workcell never runs a command unfenced",
  examine,
};
