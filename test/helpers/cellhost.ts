import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { compile, placeNative } from "./made-once.ts";
import { removeTree } from "./remove-tree.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** The identity that cells of these tests run as. */
export const cellId = 54321;

/** How a process ended, with all that it said. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; one that hangs is killed, and its signal says so. */
export function runToEnd(argv: readonly string[], options: SpawnSyncOptions = {}): Ended {
  const [program = "", ...args] = argv;
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, { timeout: 20_000, ...options });
  if (status === null && signal === null) throw error;
  return { status, signal, stdout: `${stdout ?? ""}`, stderr: `${stderr ?? ""}` };
}

/** Runs a script of bash, with `words` as `$1` and so on. */
export function runScript(
  script: string,
  words: readonly string[] = [],
  options: SpawnSyncOptions = {},
): Ended {
  // Its stdin is a socket: without a shell around, bash would take itself for one that is reached over the network, and read its startup file.
  return runToEnd(["bash", "--norc", "-euc", script, "bash", ...words], options);
}

/** As an ordinary user, without cellhost: what every control is compared with. */
export const asStranger = ["setpriv", "--reuid", `${cellId}`, "--regid", `${cellId}`, "--clear-groups"];

/** The line on which cellhost says why it failed. */
export const failureLine = /^cellhost: [^"\n]+ "[^"\n]*": [^\n]+ \(errno [A-Z0-9]+\)\n$/;

/** The compiler with the sanitizers. */
export const sanitizing: readonly string[] = [
  ...["gcc", "-std=c11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
];

/** Compiles a program of native/ with the sanitizers in it, from its own sources and those it takes from others. */
export function compileSanitized(
  program: string,
  name: "cellfiles" | "cellhost" | "cellinit",
  borrowed: readonly string[] = [],
): void {
  const folder = path.join(root, "native", name);
  const own = readdirSync(folder).filter((file) => file.endsWith(".c"));
  const sources = [...own, ...borrowed].map((file) => path.join(folder, file));
  compile(program, { words: sanitizing, sources });
}

/** Compiles cellhost with the project's own script into `folder`, and says where it lies. */
export function buildCellhost(folder: string): string {
  placeNative(folder, ["cellhost"]);
  return path.join(folder, "cellhost");
}

/** A folder that other users can walk through, taken away by `using`. */
export interface Place extends Disposable {
  readonly path: string;
}

function makePlaceIn(parent: string): Place {
  const folder = realpathSync(mkdtempSync(path.join(parent, "workcell-cellhost-")));
  chmodSync(folder, 0o755);
  return { path: folder, [Symbol.dispose]: () => removeTree(folder) };
}

/** A place below the folder for temporary files. */
export function makePlace(): Place {
  return makePlaceIn(tmpdir());
}

/** A place whose file system can be idmapped: a container's overlay root cannot, its /dev/shm can. */
export function makeIdmappablePlace(cellhost: string): Place {
  const place = makePlace();
  if (runToEnd([cellhost, "probe-idmap", place.path]).status === 0) return place;
  place[Symbol.dispose]();
  return makePlaceIn("/dev/shm");
}
