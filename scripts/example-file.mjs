import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/**
 * Puts the example that the scripted model works on into one file: name and content, so that an installation has it too.
 * @param {string} root
 * @param {string} out
 */
export function writeExample(root, out) {
  const folder = path.join(root, "examples/first-task");
  const names = readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name)))
    .sort();
  const files = names.map((name) => [name, readFileSync(path.join(folder, name), "utf8")]);
  writeFileSync(path.join(out, "first-task.json"), `${JSON.stringify(Object.fromEntries(files))}\n`);
}
