import path from "node:path";
import { runToEnd } from "./cellhost.ts";

const census = path.resolve(import.meta.dirname, "../fixtures/census.py");

/** One entry of a tree: type, bits, owner, content and the rest, as test/fixtures/census.py says it. */
export type Counted = Readonly<Record<string, unknown>> & { readonly path: string };

/** An ordinary user passes what he has shut against himself in a user namespace of his own, and changes nothing by that. */
const passing = process.getuid?.() === 0 ? [] : ["unshare", "-U", "--map-current-user", "--keep-caps"];

/** What a tree holds; read by whoever runs the tests, since its owner may have shut it against himself. */
export function treeOf(folder: string, ...words: readonly string[]): readonly Counted[] {
  const done = runToEnd([...passing, "/usr/bin/python3", "-IS", census, folder, ...words], {
    maxBuffer: 1024 ** 3,
    timeout: 60_000,
  });
  if (done.status !== 0) throw new Error(done.stderr);
  const lines = done.stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Counted);
}
