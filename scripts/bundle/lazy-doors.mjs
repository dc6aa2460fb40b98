import { readFile } from "node:fs/promises";
import path from "node:path";
import { Stop } from "../setup/stop.mjs";

/** Rooms whose doors are read at once: they hold types, or one small class that everybody needs. */
const atOnce = ["model", "errors"];

const door = /(?:^|[\\/])src[\\/](\w+)[\\/]index\.ts$/;

/** Whether a file, absolute or from the root, is a door whose files are run when they are first used. @param {string} file */
export function isDoor(file) {
  const [, room] = door.exec(file) ?? [];
  return room !== undefined && !atOnce.includes(room);
}
const statement = /^export (type )?(?:\*|\{([^}]*)\}) from "([^"]+)";$/gm;

/** By which a door is known in the bundle. */
export const doorMark = "isDoor";

/**
 * What a door exports: `[name outside, name inside, file]`, types left out.
 * @param {string} text
 * @param {string} file
 */
function exportsOf(text, file) {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").trim();
  /** @type {[string, string, string][]} */
  const found = [];
  const rest = code.replace(statement, (_, type, names, from) => {
    if (type !== undefined) return "";
    if (names === undefined)
      throw new Stop(`The door "${file}" exports all of "${from}", and must name what.`);
    for (const one of names
      .split(",")
      .map((/** @type {string} */ word) => word.trim())
      .filter(Boolean)) {
      if (one.startsWith("type ")) continue;
      const [inside, outside = inside] = one.split(/\s+as\s+/);
      found.push([outside, inside, from]);
    }
    return "";
  });
  if (rest.trim() !== "")
    throw new Stop(`The door "${file}" holds more than exports: ${rest.trim().slice(0, 80)}`);
  return found;
}

/**
 * A start needs little of what the rooms' doors name. Each file behind a door is run when one of its names is first used.
 * @type {import("esbuild").Plugin}
 */
export const lazyDoors = {
  name: "lazy-doors",
  setup(builder) {
    // In a place of their own, for a file of this package is a module of the other kind.
    builder.onResolve({ filter: /(^|[\\/])index\.ts$/ }, ({ path: name, resolveDir }) => {
      const file = path.resolve(resolveDir, name);
      return isDoor(file) ? { path: file, namespace: "door" } : undefined;
    });
    builder.onLoad({ filter: /./, namespace: "door" }, async ({ path: file }) => {
      const found = exportsOf(await readFile(file, "utf8"), file);
      const files = [...new Set(found.map(([, , from]) => from))];
      const lines = [
        ...files.map(
          (from, index) => `let m${index}; const f${index} = () => (m${index} ??= require("${from}"));`,
        ),
        `module.exports = {\n${doorMark}: true,`,
        ...found.map(
          ([outside, inside, from]) => `get ${outside}() { return f${files.indexOf(from)}().${inside}; },`,
        ),
        "};",
      ];
      return { contents: lines.join("\n"), loader: "js", resolveDir: path.dirname(file) };
    });
  },
};
