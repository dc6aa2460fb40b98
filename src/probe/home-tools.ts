import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import path from "node:path";
import type { HomeTools, ToolPlace } from "../model/index.ts";
import { isInsideAny, realPathOf } from "./trusted-path.ts";

interface Question {
  readonly home: string;
  /** Folders on PATH. */
  readonly path: readonly string[];
  /** Real paths of connected folders: what stands there is the cell's already, or another cell's to write. */
  readonly untrusted: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Folders of programs are called so; a whole project on PATH would come with all that lies in it. */
const programFolder = /^(s?bin|shims|pnpm)$/;
/** Links that lead to links: more of them are a mistake. */
const MOST_LINKS = 8;

/** Interpreters that find their libraries beside the folder that they stand in, and what belongs to them there. */
const runtimes: readonly (readonly [string, readonly string[]])[] = [
  ["python3", ["lib", "lib64", "include"]],
  ["ruby", ["lib", "include"]],
  ["perl", ["lib"]],
  ["java", ["lib", "conf", "jmods", "release"]],
  ["go", ["src", "pkg", "lib", "VERSION", "go.env"]],
];

/** Collects places, each by the path that programs know it by. */
class Places {
  readonly #home: readonly string[];
  readonly #untrusted: readonly string[];
  readonly #found = new Map<string, ToolPlace>();

  constructor({ home, untrusted }: Question) {
    this.#home = [...new Set([home, realPathOf(home) ?? home])];
    this.#untrusted = untrusted;
  }

  isAtHome(place: string): boolean {
    return isInsideAny(place, this.#home) && !this.#home.includes(place);
  }

  /** The folder whose other parts belong to more than one tool: the home itself, and `~/.local`. */
  isShared(prefix: string): boolean {
    return this.#home.some((home) => prefix === home || prefix === path.join(home, ".local"));
  }

  has(place: string): boolean {
    return this.#found.has(place);
  }

  /** False: there is no such place, or it is not in the home, or a cell may write to it. */
  add(place: string, reason: string): boolean {
    if (this.#found.has(place)) return true;
    const realPath = realPathOf(place);
    if (realPath === undefined || !this.isAtHome(place) || !this.isAtHome(realPath)) return false;
    if (isInsideAny(realPath, this.#untrusted)) return false;
    this.#found.set(place, { path: place, realPath, reason });
    return true;
  }

  /** Without those that are seen through another one; outer ones first, or they would hide the inner. */
  all(): readonly ToolPlace[] {
    const places = [...this.#found.values()];
    const isSeen = ({ path: place, realPath }: ToolPlace) =>
      places.some(
        (outer) =>
          place.startsWith(`${outer.path}/`) && realPath === outer.realPath + place.slice(outer.path.length),
      );
    return places.filter((place) => !isSeen(place)).sort((one, other) => one.path.length - other.path.length);
  }
}

const look = (file: string) => lstatSync(file, { throwIfNoEntry: false });
const exists = (file: string) => statSync(file, { throwIfNoEntry: false }) !== undefined;

/** What an interpreter needs that stands in the folder `bin` itself, and is not a link to another one's. */
function addRuntime(places: Places, bin: string, reason: string): void {
  const prefix = path.dirname(bin);
  if (places.isShared(prefix)) return;
  const own = realPathOf(prefix);
  for (const [program, parts] of runtimes) {
    const real = realPathOf(path.join(bin, program));
    if (own === undefined || real === undefined || path.dirname(path.dirname(real)) !== own) continue;
    for (const part of parts) places.add(path.join(prefix, part), reason);
  }
}

/** A virtual environment: whole, unless pip's own configuration is in it, which may hold a password. */
function addEnvironment(places: Places, root: string, reason: string): void {
  // Its python may be a link to a python beside it.
  if (places.has(root) || places.has(path.join(root, "pyvenv.cfg"))) return;
  const parts = exists(path.join(root, "pip.conf")) ? ["bin", "lib", "lib64", "pyvenv.cfg"] : ["."];
  for (const part of parts) places.add(path.join(root, part), reason);
  follow(places, path.join(root, "bin/python"), reason);
}

/** Adds the package that a program belongs to, and nothing beside it. */
function addPackage(places: Places, file: string, reason: string): void {
  const modules = file.indexOf("/node_modules/");
  if (modules !== -1) {
    places.add(file.slice(0, modules + "/node_modules".length), reason);
    return;
  }
  const folder = path.dirname(file);
  const root = path.dirname(folder);
  if (path.basename(folder) !== "bin" || places.isShared(root)) {
    if (isProgram(file)) places.add(file, reason);
  } else if (exists(path.join(root, "pyvenv.cfg"))) {
    addEnvironment(places, root, reason);
  } else {
    places.add(folder, reason);
    addRuntime(places, folder, reason);
  }
}

function isProgram(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o111) !== 0;
}

/** Where a link leads, step by step: each step must be there for the next. */
function follow(places: Places, link: string, reason: string): void {
  let file = link;
  for (let step = 0; step < MOST_LINKS && look(file)?.isSymbolicLink(); step++) {
    file = path.resolve(path.dirname(file), readlinkSync(file));
    if (!places.isAtHome(file) || look(file) === undefined) return;
    addPackage(places, file, reason);
  }
}

/** pyenv and its like: small scripts that ask the manager which version is meant. */
function addManager(places: Places, root: string, reason: string): void {
  if (!places.add(path.join(root, "libexec"), reason)) return;
  const chosen = path.join(root, "version");
  if (!places.add(chosen, reason)) return;
  for (const version of readFileSync(chosen, "utf8").split(/\s+/).filter(Boolean)) {
    const bin = path.join(root, "versions", version, "bin");
    if (places.add(bin, reason)) addRuntime(places, bin, reason);
  }
}

/** rustup's programs ask it which toolchain is meant; the credentials of cargo lie elsewhere. */
function addToolchains(places: Places, bin: string, { env, home }: Question): Record<string, string> {
  if (!exists(path.join(bin, "rustup"))) return {};
  const root = env["RUSTUP_HOME"] ?? path.join(home, ".rustup");
  const reason = `toolchains of rustup in ${bin}`;
  if (!places.add(path.join(root, "toolchains"), reason)) return {};
  places.add(path.join(root, "settings.toml"), reason);
  return { RUSTUP_HOME: root };
}

function addFolder(places: Places, folder: string): boolean {
  if (!places.add(folder, "your own programs, on PATH")) return false;
  const reason = `what programs in ${folder} consist of`;
  addRuntime(places, folder, reason);
  if (path.basename(folder) === "shims") addManager(places, path.dirname(folder), reason);
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isSymbolicLink()) follow(places, path.join(folder, entry.name), reason);
  return true;
}

/**
 * Finds the person's own tools: folders of programs that are on PATH and lie in the home, and the packages that their
 * links lead to. SECURITY(P7): nothing else of the home comes with them; what lies beside a package stays outside.
 */
export function probeHomeTools(question: Question): HomeTools {
  const places = new Places(question);
  let environment: Record<string, string> = {};
  const found = question.path.filter((folder) => {
    if (!programFolder.test(path.basename(folder)) || !places.isAtHome(folder)) return false;
    if (folder.includes("/node_modules/") || look(folder) === undefined) return false;
    try {
      if (!addFolder(places, folder)) return false;
      environment = { ...environment, ...addToolchains(places, folder, question) };
      return true;
    } catch {
      // Not ours to read, or gone meanwhile: then the cell does without.
      return false;
    }
  });
  return { path: found, places: places.all(), environment };
}
