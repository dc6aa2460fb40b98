import { readFileSync } from "node:fs";
import path from "node:path";
import { bundlePart } from "./esbuild.mjs";
import { isDoor } from "./lazy-doors.mjs";

/** The program itself. */
const start = 'require("./src/cli/bin.ts");';

/**
 * Has each file of the program say that it runs.
 * @param {string} root
 * @returns {import("esbuild").Plugin}
 */
const sayWhatRuns = (root) => ({
  name: "say-what-runs",
  setup(builder) {
    builder.onLoad({ filter: /[\\/]src[\\/].*\.ts$/, namespace: "file" }, ({ path: file }) => {
      const name = JSON.stringify(path.relative(root, file));
      const text = readFileSync(file, "utf8");
      return { contents: `(globalThis.workcellRan ??= []).push(${name});${text}`, loader: "ts" };
    });
  },
});

/**
 * Which part each file is in; all are in the last that no start was seen to run.
 * @typedef {(file: string) => number} PartOf
 */

/**
 * Has files of other parts asked for by part and name.
 * @param {string} root
 * @param {number} part
 * @param {{ partOf: PartOf, asked: Set<string> }} split `asked` gets the names of what is asked for
 * @returns {import("esbuild").Plugin}
 */
const otherParts = (root, part, { partOf, asked }) => ({
  name: "other-parts",
  setup(builder) {
    builder.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path: name, resolveDir }) => {
      const file = path.relative(root, path.resolve(resolveDir, name));
      // A door holds nothing: each part has its own.
      return isDoor(file) || partOf(file) === part ? undefined : { path: file, namespace: "other" };
    });
    builder.onLoad({ filter: /./, namespace: "other" }, ({ path: file }) => {
      asked.add(file);
      return { contents: `module.exports = ask(${partOf(file)}, ${JSON.stringify(file)});`, loader: "js" };
    });
  },
});

/** @param {readonly string[]} files */
function registryOf(files) {
  const entries = files.map(
    (file) => `${JSON.stringify(file)}: () => require(${JSON.stringify(`./${file}`)})`,
  );
  return `{ ${entries.join(",\n")} }`;
}

/**
 * The whole program, which notes what of it runs, and its files.
 * @param {string} root
 */
export async function bundleNoting(root) {
  const { text, files } = await bundlePart(root, start, [sayWhatRuns(root)]);
  return { text, files: files.filter((file) => !isDoor(file)).sort() };
}

/**
 * The program in parts, of which the first is what a start runs. Each file is in one of them, and has one state: what another
 * part needs of it, that part asks for.
 * @param {string} root
 * @param {{ files: readonly string[], partOf: PartOf, count: number }} split
 * @returns {Promise<readonly string[]>} their texts, which use `share` and `ask` of the loader
 */
export async function bundleParts(root, { files, partOf, count }) {
  /** @type {Set<string>} */
  const asked = new Set();
  const bundleAll = (/** @type {readonly string[]} */ shared) =>
    Promise.all(
      Array.from({ length: count }, (_, part) => {
        const entry = `share(${registryOf(shared.filter((file) => partOf(file) === part))});`;
        const split = [otherParts(root, part, { partOf, asked })];
        return bundlePart(root, part === 0 ? `${entry}\n${start}` : entry, split);
      }),
    );
  // What others ask of a part is known once all were bundled: what nobody asks for need not be shared.
  await bundleAll(files);
  const bundled = await bundleAll(files.filter((file) => asked.has(file)));
  return bundled.map(({ text }) => text);
}
