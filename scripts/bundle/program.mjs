import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";

/**
 * The file that `bin/workcell` starts: it reads the first part of the program, and V8's code cache for it, so that nothing is
 * compiled on the way to a cell; another part when something of it is first asked for. A cache made by another Node is refused by
 * V8, and then the part is compiled as ever. The names hold a hash of all parts, so none ever meets what it was not made with. All
 * are opened at once, for another Workcell may be installed in this one's place while a command runs.
 * @param {string} name
 * @param {number} count
 */
const loader = (name, count) => `"use strict";
const { openSync, readFileSync, writeFileSync } = require("node:fs");
const { Script } = require("node:vm");
const base = __dirname + "/${name}";
const files = [${Array.from({ length: count }, (_, part) => part).join(", ")}].map((part) => openSync(base + "-" + part + ".js"));
const [scripts, shared] = [[], {}];
function load(part) {
  const filename = base + "-" + part + ".js";
  const source = readFileSync(files[part], "latin1");
  let cachedData;
  try {
    cachedData = readFileSync(base + "-" + part + ".cache");
  } catch {}
  scripts[part] = new Script(source, { filename, cachedData });
  const share = (found) => Object.assign(shared, found);
  scripts[part].runInThisContext()(require, __dirname, base + "-0.js", share, ask);
}
function ask(part, file) {
  if (scripts[part] === undefined) load(part);
  return shared[file]();
}
const noted = process.env.WORKCELL_BUILD_NOTES;
if (noted !== undefined) {
  process.once("exit", () => {
    scripts.forEach((script, part) => { writeFileSync(noted + "-" + part, script.createCachedData()); });
    writeFileSync(noted + "-ran", JSON.stringify(globalThis.workcellRan ?? []));
  });
}
load(0);
`;

/**
 * Writes a program of some parts, and its loader.
 * @param {string} out
 * @param {readonly string[]} texts
 * @returns {string} the name of all
 */
export function writeProgram(out, texts) {
  const wrapped = texts.map(
    (text) => `(function (require, __dirname, __filename, share, ask) { const module = {}; ${text}\n})`,
  );
  const hash = createHash("sha256").update(JSON.stringify(wrapped)).digest("hex");
  const name = `main-${hash.slice(0, 16)}`;
  for (const [part, text] of wrapped.entries()) writeFileSync(path.join(out, `${name}-${part}.js`), text);
  writeFileSync(path.join(out, "workcell.js"), loader(name, wrapped.length));
  return name;
}

/**
 * What is done most often, in the order in which parts hold what it needs beyond what was done before: a command without a folder,
 * one with a folder in review, a look at what it changed, and what is done seldom.
 * @type {readonly (readonly string[])[]}
 */
const daily = [
  ["run", "--", "true"],
  ["run", "-m", ".", "--", "sh", "-c", "echo more >>file; echo new >new"],
  ["diff"],
  ["session", "list"],
];

/** Parts of a program: one for all but the last of what is done daily, and one for that and all the rest. */
export const partCount = daily.length;

/** A user that nobody is: an ordinary one's cell is looked after otherwise than root's. */
const STRANGER = 1_899_999_999;

/**
 * Does it, or as much of that as this machine can, and takes what each leaves: its code cache by part, and what it ran.
 * @param {string} out
 * @param {(left: string, at: number) => void} take
 * @param {number} [uid] who does it; absent: whoever builds
 */
function tryDaily(out, take, uid) {
  const place = mkdtempSync(path.join(os.tmpdir(), "workcell-build-"));
  try {
    const work = path.join(place, "work");
    mkdirSync(work);
    writeFileSync(path.join(work, "file"), "some\n");
    const person = uid === undefined ? {} : { uid, gid: uid };
    // The checkout may lie where that user cannot go.
    const dist = uid === undefined ? out : path.join(place, "dist");
    if (uid !== undefined) {
      cpSync(out, dist, { recursive: true, preserveTimestamps: true });
      for (const own of [place, dist, work, path.join(work, "file")]) chownSync(own, uid, uid);
    }
    for (const [at, words] of daily.entries()) {
      const left = path.join(place, `left-${at}`);
      const env = { PATH: process.env["PATH"], HOME: place, WORKCELL_BUILD_NOTES: left };
      const command = [path.join(dist, "workcell.js"), ...words];
      spawnSync(process.execPath, command, { cwd: work, env, stdio: "ignore", timeout: 30_000, ...person });
      take(left, at);
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/**
 * Which part each file of a program belongs to. It is tried: what another machine needs besides comes from a later part; where
 * nothing can be tried, all of it.
 * @param {string} out
 * @param {string} text of the program, which notes what of it runs
 * @returns {import("./parts.mjs").PartOf}
 */
export function splitByUse(out, text) {
  const name = writeProgram(out, [text]);
  /** @type {Map<string, number>} */
  const found = new Map();
  const note = (/** @type {string} */ left, /** @type {number} */ at) => {
    if (at === partCount - 1 || !existsSync(`${left}-ran`)) return;
    for (const file of JSON.parse(readFileSync(`${left}-ran`, "utf8")))
      found.set(file, Math.min(at, found.get(file) ?? at));
  };
  tryDaily(out, note);
  if (process.getuid?.() === 0) tryDaily(out, note, STRANGER);
  rmSync(path.join(out, `${name}-0.js`));
  return (file) => found.get(file) ?? partCount - 1;
}

/**
 * Keeps what V8 compiled of each part when it was first needed.
 * @param {string} out
 * @param {string} name
 */
export function writeCaches(out, name) {
  tryDaily(out, (left, at) => {
    if (existsSync(`${left}-${at}`))
      writeFileSync(path.join(out, `${name}-${at}.cache`), readFileSync(`${left}-${at}`));
  });
}

/** Long after it was replaced, no process loads a program any more. */
const OUT_OF_USE_MS = 10 * 60_000;

/** Takes earlier programs away, but for those that a process may be about to load. */
export function removeEarlier(/** @type {string} */ out, /** @type {string} */ name) {
  for (const file of readdirSync(out)) {
    const place = path.join(out, file);
    if (!/^main-[0-9a-f]+(-\d+)?\.(js|cache)$/.test(file) || file.startsWith(name)) continue;
    if (Date.now() - statSync(place).mtimeMs > OUT_OF_USE_MS) rmSync(place, { force: true });
  }
}
