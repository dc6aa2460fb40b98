import path from "node:path";
import type { MountMode, MountRequest, Origin, Sourced } from "../model/index.ts";
import { invalidValue } from "./invalid-value.ts";

interface MountParts {
  readonly source: string;
  readonly name?: string;
  readonly mode?: string;
}

const modes: readonly MountMode[] = ["ro", "review", "auto", "rw"];
const modeWords: readonly string[] = modes;
const listed = "ro, review, auto or rw";

type Refuse = (problem: string, remedy: string) => never;

const control = /\p{Cc}/u;

function checkSource(source: string, refuse: Refuse): void {
  if (source === "") refuse("it names no folder", "Name a folder before the first colon, like .:rw");
  if (control.test(source)) {
    refuse(
      "the folder's path contains a control character",
      "Rename the folder, or connect the one above it",
    );
  }
  if (/^~(\/|$)/.test(source)) {
    refuse(
      'Workcell does not expand "~"',
      `Write the folder's whole path, or ./${source} for one of that name`,
    );
  }
}

/** The name under `$HOME/mnt`, as given or as it follows from the folder. */
export function mountName(mount: MountRequest, cwd: string): string {
  return mount.name ?? (path.basename(path.resolve(cwd, mount.source)) || "root");
}

/** What no folder can be called, in words; undefined when the name is fine. */
export function problemOfName(name: string): string | undefined {
  if (name === "") return "the name is empty";
  if (name === "." || name === "..") return `"${name}" is not a name`;
  if (name.includes("/")) return "the name contains a /";
  return control.test(name) ? "the name contains a control character" : undefined;
}

function checkName(name: string | undefined, refuse: Refuse): void {
  const problem = name === undefined ? undefined : problemOfName(name);
  if (problem !== undefined) refuse(problem, "Give the folder a plain name, like ./src:sources:ro");
}

function checkMode({ source, mode }: MountParts, refuse: Refuse): MountMode {
  if (mode === undefined) return "review";
  const known = modes.find((word) => word === mode);
  if (known !== undefined) return known;
  return refuse(
    `"${mode}" is not a mode; the mode must be ${listed}`,
    `Leave the mode out to review what the command changes, or add :rw to let it write to the folder, like ${source}:rw`,
  );
}

/** `src=…,name=…,mode=…`: only the last commas count, so that a path may contain any character. */
function splitKeys(text: string, refuse: Refuse): MountParts {
  const [, source = "", rest = ""] = /^src=(.*?)((?:,(?:name|mode)=[^,]*)*)$/s.exec(text) ?? [];
  const pairs = [...rest.matchAll(/,(name|mode)=([^,]*)/g)].map(([, key = "", value = ""]) => [key, value]);
  const given = Object.fromEntries(pairs);
  if (Object.keys(given).length < pairs.length) {
    refuse("a key is given twice", "Give name= and mode= at most once");
  }
  return { ...given, source };
}

/** `DIR[:NAME][:MODE]`: a last part that is a mode word is the mode. */
function splitColons(text: string, refuse: Refuse): MountParts {
  const [source = "", ...rest] = text.split(":");
  const last = rest.at(-1);
  const mode = last !== undefined && modeWords.includes(last) ? last : undefined;
  const names = mode === undefined ? rest : rest.slice(0, -1);
  const [name] = names;
  if (names.length > 1) {
    refuse(
      "it has more parts than DIR:NAME:MODE, or its last part is no mode (ro, review, auto or rw)",
      "Write a path that contains a colon as src=PATH,name=NAME,mode=rw",
    );
  }
  if (name === undefined) return { source, ...(mode && { mode }) };
  if (modeWords.includes(name)) refuse("it has two modes", "Keep one of the modes, like .:rw");
  return { source, name, ...(mode && { mode }) };
}

/** Reads a mount as it is written in flags and settings files. Nothing is looked up on disk. */
export function parseMount(text: string, origin: Origin): Sourced<MountRequest> {
  const refuse: Refuse = (problem, remedy) => {
    throw invalidValue({ what: "mount", value: text, origin, problem, remedy });
  };
  const parts = text.startsWith("src=") ? splitKeys(text, refuse) : splitColons(text, refuse);
  checkSource(parts.source, refuse);
  checkName(parts.name, refuse);
  const mode = checkMode(parts, refuse);
  const value = { source: parts.source, ...(parts.name !== undefined && { name: parts.name }), mode };
  return { value, origin };
}
