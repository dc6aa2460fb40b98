import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

/** All that the build is made from. Tests are not part of it. */
const folders = ["src", "native", "scripts/bundle", "examples/first-task"];
const files = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "scripts/build.mjs",
  "scripts/bundle.mjs",
  "scripts/build-native.mjs",
  "scripts/example-file.mjs",
];

/** @param {string} root */
function sources(root) {
  const found = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name))),
  );
  return [...files, ...found].sort();
}

/**
 * A hash over names and content. Times would not do: a copied checkout has new ones, a cloned one arbitrary ones.
 * @param {string} root
 */
function hashOf(root) {
  // V8's code cache is of use to the Node that made it alone.
  const hash = createHash("sha256").update(`${process.version} ${process.arch}\0`);
  for (const file of sources(root)) {
    const content = readFileSync(path.join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** @param {string} root */
const stampFile = (root) => path.join(root, "dist/built-from");

/**
 * True when dist/ was built from exactly the sources that lie here.
 * @param {string} root
 */
export function isStamped(root) {
  try {
    const built = existsSync(path.join(root, "dist/workcell.js"));
    return built && readFileSync(stampFile(root), "utf8") === hashOf(root);
  } catch {
    // No stamp, or a source file is missing: either way there is something to build, or to fail loudly over.
    return false;
  }
}

/**
 * The build's last act.
 * @param {string} root
 */
export function writeStamp(root) {
  writeFileSync(stampFile(root), hashOf(root));
}
