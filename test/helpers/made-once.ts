import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { inject } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");

/**
 * What `make` puts into a folder, made by the first test file of a whole run that asks for it by this key. Two that
 * ask at once both make it, and one of them serves.
 */
export function madeOnce(key: string, make: (folder: string) => void): string {
  const made = path.join(inject("wholeRun"), key);
  if (existsSync(made)) return made;
  const own = mkdtempSync(`${made}.`);
  make(own);
  chmodSync(own, 0o755);
  try {
    renameSync(own, made);
  } catch (error) {
    if (!existsSync(made)) throw error;
    rmSync(own, { recursive: true });
  }
  return made;
}

/** A hash over words, and over the names and the content of files. */
function keyOf(words: readonly string[], files: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(words));
  for (const file of files) hash.update(`${path.basename(file)}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 32);
}

const filesIn = (folder: string, isMeant: (name: string) => boolean) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter(isMeant)
    .map((name) => path.join(folder, name))
    .sort();

interface Compilation {
  /** The compiler and its flags. */
  readonly words: readonly string[];
  readonly sources: readonly string[];
  readonly libraries?: readonly string[];
}

/** Compiles sources into `program`, for anybody to run; a warning is a failure too. */
export function compile(program: string, { words, sources, libraries = [] }: Compilation): void {
  const folders = new Set(
    sources.flatMap((source) => [path.dirname(source), path.dirname(path.dirname(source))]),
  );
  const headers = [...folders].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(h|inc)$/.test(name))
      .map((name) => path.join(folder, name)),
  );
  const made = madeOnce(`program-${keyOf([...words, ...libraries], [...sources, ...headers])}`, (folder) => {
    const [compiler = "", ...flags] = words;
    const argv = [...flags, "-o", path.join(folder, "program"), ...sources, ...libraries];
    const { status, stderr, error } = spawnSync(compiler, argv, { encoding: "utf8", timeout: 60_000 });
    if (status !== 0 || stderr !== "") throw new Error(`Cannot compile: ${stderr}`, { cause: error });
  });
  copyFileSync(path.join(made, "program"), program);
  chmodSync(program, 0o755);
}

/**
 * Puts programs of native/ into `folder`, as the project's own script compiles them; where the checkout's build is of
 * the same sources, that script finds it so.
 */
export function placeNative(folder: string, names: readonly string[]): void {
  const script = path.join(root, "scripts/build-native.mjs");
  const sources = filesIn(path.join(root, "native"), (name) => /\.[ch]$/.test(name));
  const made = madeOnce(`native-${keyOf([], [script, ...sources])}`, (out) => {
    const built = path.join(root, "dist/native");
    if (existsSync(built))
      for (const file of filesIn(built, (name) => !name.endsWith(".tmp")))
        if (statSync(file, { throwIfNoEntry: false })?.isFile())
          copyFileSync(file, path.join(out, path.basename(file)));
    execFileSync(process.execPath, [script, out], {
      stdio: ["ignore", "ignore", "inherit"],
      timeout: 60_000,
    });
  });
  for (const name of names)
    for (const ending of ["", ".sha256", ".built-from"])
      copyFileSync(path.join(made, `${name}${ending}`), path.join(folder, `${name}${ending}`));
}

/** Builds what the checkout lacks. Another run may build at the same time: the second waits, and finds it fresh. */
export function ensureBuilt(): void {
  madeOnce("built", () => {
    const words = [root, process.execPath, path.join(root, "test/helpers/ensure-built.mjs")];
    const said = execFileSync("flock", words, { encoding: "utf8" });
    if (said !== "") process.stderr.write(said);
  });
}
