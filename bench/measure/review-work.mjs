import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { Stop } from "../../scripts/setup/stop.mjs";

/** A package that is published with its tests, and what of its development they need. */
const PACKAGE = "qs@6.13.0";
const NEEDED = [
  ...[
    "es-value-fixtures",
    "eslint",
    "for-each",
    "has-override-mistake",
    "has-property-descriptors",
    "has-symbols",
  ],
  ...["iconv-lite", "mock-property", "nyc", "object-inspect", "qs-iconv", "safer-buffer", "tape"],
];
const FILES = 10_000;
const FOLDERS = 100;

/** @typedef {{ workcell: string, folder: string, env: Record<string, string> }} Place */

/** @param {Place} place @param {readonly string[]} argv @param {string} cwd */
function run({ env }, [program = "", ...words], cwd) {
  const begun = performance.now();
  const done = spawnSync(program, words, { cwd, env, encoding: "utf8", maxBuffer: 1 << 30 });
  const seconds = (performance.now() - begun) / 1000;
  if (done.status === 0) return { seconds, stderr: done.stderr };
  const said = `${done.stdout ?? ""}${done.stderr ?? ""}`.trim().split("\n").slice(-5).join("\n");
  throw new Stop(
    `${path.basename(program)} ${words.slice(0, 3).join(" ")} ended with ${done.status}.`,
    said,
    "",
  );
}

/** The npm that this machine has, its registry and its certificates: `npm` is asked in the person's own surroundings. */
const ownEnv = () =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

/** Downloads the package and all that it needs, once: what is measured asks no network. @param {Place} place */
export function preparePackage(place) {
  const own = { ...place, env: ownEnv() };
  const cache = path.join(place.folder, "cache");
  const npm = (/** @type {readonly string[]} */ words, /** @type {string} */ cwd) =>
    run(own, ["npm", ...words, "--cache", cache, "--no-audit", "--no-fund", "--no-update-notifier"], cwd);
  npm(["pack", "--silent", PACKAGE], place.folder);
  run(own, ["sh", "-c", "tar xzf ./*.tgz --no-same-owner && mv package seed"], place.folder);
  const seed = path.join(place.folder, "seed");
  const manifest = path.join(seed, "package.json");
  const { scripts, devDependencies, ...rest } = JSON.parse(readFileSync(manifest, "utf8"));
  const needed = Object.fromEntries(NEEDED.map((name) => [name, devDependencies[name]]));
  const test = { "tests-only": scripts["tests-only"], test: "npm run tests-only" };
  writeFileSync(manifest, JSON.stringify({ ...rest, scripts: test, devDependencies: needed }, null, 2));
  npm(["install", "--package-lock-only", "--ignore-scripts"], seed);
  npm(["ci", "--ignore-scripts"], seed);
  rmSync(path.join(seed, "node_modules"), { recursive: true });
}

/** What the cell does with the package; the cache is connected besides. @param {string} cache */
const work = (cache) =>
  `npm ci --offline --ignore-scripts --no-audit --no-fund --no-update-notifier --cache ${cache} >/dev/null && npm test --silent >/dev/null`;

/** Seconds that the work takes in a fresh copy, as a whole process. @param {Place} place @param {"rw" | "review"} mode */
export function timeWork(place, mode) {
  const { workcell, folder } = place;
  const project = path.join(folder, "project");
  const cache = path.join(folder, "cache");
  rmSync(project, { recursive: true, force: true });
  cpSync(path.join(folder, "seed"), project, { recursive: true });
  const flags = ["-m", `${project}:${mode}`, "-m", `${cache}:rw`];
  const { seconds, stderr } = run(place, [workcell, "run", ...flags, "sh", "-c", work(cache)], folder);
  const [, session] = /wait in session (\S+):/.exec(stderr) ?? [];
  if ((mode === "review") !== (session !== undefined))
    throw new Stop(`In ${mode} something else waits than was to be.`, stderr, "");
  if (session !== undefined) run(place, [workcell, "session", "rm", session, "--force"], folder);
  return seconds;
}

/** Half of the files are the person's and changed, half are new. */
const change = `for d in $(seq ${FOLDERS}); do mkdir new$d; for f in $(seq ${FILES / FOLDERS / 2}); do echo changed >>d$d/f$f; echo new >new$d/f$f; done; done`;

/**
 * Seconds of diff, apply and undo of 10,000 files. Nothing is deleted before: for some seconds ext4 passes over the inodes of
 * what was, at every file that is made, which would be what is measured.
 * @param {Place} place
 * @param {number} round
 */
export function timeReview(place, round) {
  const { workcell, folder } = place;
  const many = path.join(folder, `many-${round}`);
  for (let d = 1; d <= FOLDERS; d += 1) {
    mkdirSync(path.join(many, `d${d}`), { recursive: true });
    for (let f = 1; f <= FILES / FOLDERS; f += 1)
      writeFileSync(path.join(many, `d${d}/f${f}`), `${d} ${f}\n`);
  }
  const { stderr } = run(place, [workcell, "run", "-m", many, "bash", "-c", change], folder);
  const [, session = ""] = /wait in session (\S+):/.exec(stderr) ?? [];
  const time = (/** @type {readonly string[]} */ words) =>
    run(place, ["sh", "-c", '"$@" >/dev/null', "sh", workcell, ...words], folder).seconds;
  const seconds = {
    diff: time(["diff", session]),
    apply: time(["apply", session]),
    undo: time(["undo", session]),
  };
  return seconds;
}
