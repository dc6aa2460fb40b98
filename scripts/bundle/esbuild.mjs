import { readFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { Stop } from "../setup/stop.mjs";
import { doorMark, lazyDoors } from "./lazy-doors.mjs";

/** @type {import("esbuild").BuildOptions} */
const options = {
  bundle: true,
  platform: "node",
  target: "node20",
  charset: "ascii",
  legalComments: "none",
  sourcemap: false,
  logLevel: "silent",
};

/** @param {import("esbuild").BuildOptions} asked */
export async function esbuild(asked) {
  try {
    return await build({ ...options, ...asked });
  } catch (error) {
    throw new Stop(error instanceof Error ? error.message : String(error));
  }
}

/** Modules of Node's that take a millisecond to load and that a start without traffic never calls. */
const lateModules = [
  "crypto",
  "fs/promises",
  "dns",
  "dns/promises",
  "tls",
  "http2",
  "readline",
  "readline/promises",
];

/**
 * Has those modules loaded at the first use of one of their names, wherever they are imported.
 * @type {import("esbuild").Plugin}
 */
export const loadLate = {
  name: "load-late",
  setup(builder) {
    const filter = new RegExp(`^node:(${lateModules.join("|")})$`);
    builder.onResolve({ filter }, ({ path: name, namespace }) =>
      namespace === "late" ? { path: name, external: true } : { path: name, namespace: "late" },
    );
    builder.onLoad({ filter: /./, namespace: "late" }, async ({ path: name }) => {
      const names = Object.keys(await import(name)).filter((key) => key !== "default");
      const getters = names.map((key) => `get ${key}() { return require("${name}").${key}; }`);
      return { contents: `module.exports = {\n${getters.join(",\n")}\n};`, loader: "js" };
    });
  },
};

/** Node's modules that have a default name here, with the names that are imported besides: the build misses others. */
const defaultNames = { path: ["posix"], os: ["constants", "homedir"], process: [] };

/**
 * Has one copy of each, where the bundler would copy all their properties for every file that imports them.
 * @type {import("esbuild").Plugin}
 */
const builtin = {
  name: "builtin",
  setup(builder) {
    const filter = new RegExp(`^node:(${Object.keys(defaultNames).join("|")})$`);
    // Whoever asks for it by import() has a name of any kind in mind.
    builder.onResolve({ filter }, ({ path: name, namespace, kind }) =>
      namespace === "builtin" || kind === "dynamic-import"
        ? { path: name, external: true }
        : { path: name, namespace: "builtin" },
    );
    builder.onLoad({ filter: /./, namespace: "builtin" }, ({ path: name }) => {
      const besides = Object.entries(defaultNames).find(([key]) => name === `node:${key}`)?.[1] ?? [];
      const lines = besides.map((one) => `export const ${one} = it.${one};`);
      return {
        contents: [`const it = require("${name}");`, "export default it;", ...lines].join("\n"),
        loader: "js",
      };
    });
  },
};

/** @param {string} root */
export function versionOf(root) {
  return JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).version;
}

const copying =
  /(__toESM=\(mod,isNodeMode,target\)=>)(\(target=.*?\)\)),__toCommonJS=mod=>__copyProps\((__defProp)\(\{\},"__esModule",\{value:!0\}\),mod\);/;

/**
 * The bundler copies all names of a room's door for each file that goes through it, and all of a file for each door: hundreds of
 * small functions at each start. Both do as they are, since their names are read when they are used.
 * @param {string} text
 */
function withoutCopies(text) {
  if (!copying.test(text))
    throw new Stop("Cannot bundle: esbuild writes other helpers than bundle/esbuild.mjs knows.");
  return text.replace(
    copying,
    (_, head, copy) =>
      `${head}mod?.${doorMark}?mod:${copy},__toCommonJS=mod=>mod.__esModule?mod:__defProp(mod,"__esModule",{value:!0});`,
  );
}

/**
 * A program, or a part of it: its text, and the files of `src/` in it.
 * @param {string} root
 * @param {string} entry JavaScript that says what the part is
 * @param {readonly import("esbuild").Plugin[]} plugins
 */
export async function bundlePart(root, entry, plugins) {
  const { outputFiles = [], metafile } = await esbuild({
    absWorkingDir: root,
    stdin: { contents: entry, resolveDir: root, loader: "js" },
    format: "cjs",
    // A script that is run from its text has no import(): what is loaded late is required late.
    supported: { "dynamic-import": false },
    plugins: [...plugins, loadLate, builtin, lazyDoors],
    // Every byte of it is read at each start. Names stay, for whoever reads a stack.
    minifyWhitespace: true,
    minifySyntax: true,
    write: false,
    metafile: true,
    define: {
      WORKCELL_VERSION: JSON.stringify(versionOf(root)),
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
  });
  const files = Object.keys(metafile?.inputs ?? {}).filter((file) => /^src\/.*\.ts$/.test(file));
  return { text: withoutCopies(outputFiles[0]?.text ?? ""), files };
}
