import type { CommandKit, HostFacts, PlannedMount, ToolPlace } from "../model/index.ts";
import { cellinitPlace } from "./argv.ts";
import { caVariables } from "./environment.ts";
import { isSystem } from "./system-view.ts";

/** Node's own folders, when Node does not stand in the system: without them neither node nor npm would be found. */
export function toolMounts(facts: HostFacts): PlannedMount[] {
  const outside = facts.nodeFolders.filter((folder) => !isSystem(folder));
  return outside.map((folder) => ({
    kind: "ro-bind",
    target: folder,
    source: folder,
    reason: "the Node.js that runs Workcell, and its npm",
  }));
}

/** The person's own tools, by name; those of Node stand there already. */
export function homeToolMounts(facts: HostFacts, records: string): PlannedMount[] {
  const places = facts.homeTools?.places ?? [];
  const isNew = ({ path, realPath }: ToolPlace) =>
    !facts.nodeFolders.includes(path) && realPath !== records && !realPath.startsWith(`${records}/`);
  return places
    .filter(isNew)
    .map(({ path, realPath, reason }) => ({ kind: "ro-bind", target: path, source: realPath, reason }));
}

/** CA files that the person's variables name, where the cell would not see them. */
export function certificateMounts(facts: HostFacts): Map<string, PlannedMount> {
  const named = [
    ...caVariables.map((name) => facts.environment[name]),
    ...facts.presets.flatMap((preset) => caVariables.map((name) => preset.environment[name])),
  ];
  const hidden = [...new Set(named)].flatMap((file) => {
    const real = file === undefined ? undefined : facts.caFiles[file];
    return file === undefined || real === undefined || /^\/(usr|etc\/ssl|etc\/pki)\//.test(file)
      ? []
      : [{ file, real }];
  });
  return new Map(
    hidden.map(({ file, real }, index) => [
      file,
      { kind: "ro-bind", target: `/etc/workcell/ca-${index}.pem`, source: real, reason: `CA file ${file}` },
    ]),
  );
}

/** The program that seals the command; it stands in the cell under its own name, readable and not writable. */
export function cellinitMount(facts: HostFacts): PlannedMount {
  return {
    kind: "ro-bind",
    target: cellinitPlace,
    source: facts.cellinit,
    reason: "seals the command's process",
  };
}

/** What a command brings; it stands after everything that a connected folder or an earlier command could stand before. */
export function kitMounts(kit: CommandKit | undefined): PlannedMount[] {
  const files = kit?.files ?? [];
  return files.map(({ path, source, isLink, reason }) => ({
    kind: isLink ? "symlink" : "ro-bind",
    target: path,
    source,
    reason,
  }));
}
