#!/usr/bin/env node
import { spawnSync } from "node:child_process";
import { chownSync, lstatSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { buildAll } from "./build.mjs";
import { differences, readTree } from "./nightly-files/tree.mjs";
import { duration, makePage } from "./setup/page.mjs";
import { isStamped } from "./setup/source-stamp.mjs";
import { ending, Stop } from "./setup/stop.mjs";
import { makePlace } from "./soak/place.mjs";

/**
 * `npm run test:nightly:files`: 100,000 files and a sparse one of 5 GB go through run, diff, apply and undo, as root and as a
 * user, and are compared with a plain copy on which the same command ran. It takes some minutes.
 */
const root = path.resolve(import.meta.dirname, "..");
const STRANGER = 54_321;
const FOLDERS = 1000;
const FILES = 100;
const LARGE = 5_000_000_000;
/** What of the large file is data may take so much on the disk. */
const LARGE_STORED = 64 << 20;

/** Half of the files are changed, as many are made, a hundred folders of theirs go, and the large one is written to. */
const WORK = `
for d in $(seq ${FOLDERS}); do mkdir new$d; for f in $(seq ${FILES / 2}); do echo "changed $f" >>d$d/f$f; echo "new $d $f" >new$d/f$f; done; done
for d in $(seq ${FOLDERS - 99} ${FOLDERS}); do rm -r d$d; done
for at in 0 1234567 2500000000 4999999990; do printf tail | dd of=large bs=1 seek=$at conv=notrunc status=none; done
chmod 600 d1/f1; ln d2/f1 twin; ln -s d2/f1 way; mv d3 moved
`;

/** @typedef {{ name: string, uid: number }} Person */
/** @typedef {ReturnType<typeof makePlace>} Place */

/** @param {Place} place @param {Person} person @param {readonly string[]} argv @param {string} cwd */
function runAs({ env }, { uid }, argv, cwd) {
  const isOther = uid !== process.getuid?.();
  const who = isOther ? ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"] : [];
  const [program = "", ...words] = [...who, ...argv];
  const done = spawnSync(program, words, { cwd, env, encoding: "utf8", maxBuffer: 1 << 30 });
  if (done.status === 0) return done;
  const said = `${done.error?.message ?? ""}${done.stderr ?? ""}`.trim().split("\n").slice(-5);
  throw new Stop(`${path.basename(argv[0] ?? "")} ${argv[1] ?? ""} ended with ${done.status}:`, ...said);
}

/** @param {string} folder @param {number} uid */
function seed(folder, uid) {
  const own = (/** @type {string} */ file) => chownSync(file, uid, uid);
  for (let d = 1; d <= FOLDERS; d += 1) {
    mkdirSync(path.join(folder, `d${d}`));
    own(path.join(folder, `d${d}`));
    for (let f = 1; f <= FILES; f += 1) {
      const file = path.join(folder, `d${d}/f${f}`);
      writeFileSync(file, `${d} ${f}\n`);
      own(file);
    }
  }
  const large = path.join(folder, "large");
  writeFileSync(large, "head");
  truncateSync(large, LARGE);
  own(large);
}

/** @param {string} what @param {readonly string[]} paths */
function mustBeNone(what, paths) {
  if (paths.length === 0) return;
  const named = paths.slice(0, 5).join(", ");
  throw new Stop(`${what}: ${paths.length} paths differ: ${named}`);
}

/** @param {string} file */
function mustBeSparse(file) {
  const stored = lstatSync(file).blocks * 512;
  if (stored > LARGE_STORED) throw new Stop(`The large file takes ${stored} bytes on the disk by now.`);
}

/** @param {string} text @param {RegExp} pattern */
function numberIn(text, pattern) {
  const [, number] = pattern.exec(text) ?? [];
  if (number === undefined) throw new Stop(`Nothing that fits ${pattern} was said:`, text.slice(-500));
  return Number(number);
}

/**
 * @param {Place} place
 * @param {Person} person
 * @param {(what: string, ms: number) => void} say
 */
function play(place, person, say) {
  const { work, workcell } = place;
  const plain = path.join(place.folder, "plain");
  const run = (/** @type {readonly string[]} */ argv, cwd = work) => runAs(place, person, argv, cwd);
  let begun = performance.now();
  const took = (/** @type {string} */ what) => {
    say(what, performance.now() - begun);
    begun = performance.now();
  };
  seed(work, person.uid);
  run(["cp", "-a", "--sparse=always", work, plain], place.folder);
  run(["bash", "-euc", WORK], plain);
  const [before, after] = [readTree(work), readTree(plain)];
  took(`seeded ${before.size} paths, worked on in a plain copy: ${after.size}`);
  const ran = run([workcell, "run", "-m", ".", "bash", "-euc", WORK]);
  const [, session = ""] = /wait in session (\S+):/.exec(ran.stderr) ?? [];
  const waiting = numberIn(ran.stderr, /(\d+) changes wait/);
  took(`run: ${waiting} changes wait`);
  mustBeNone("The folder before apply", differences(before, readTree(work), { times: true }));
  took("the folder is as it was");
  const [{ changes }] = JSON.parse(run([workcell, "diff", "--json", session]).stdout).layers;
  took(`diff: ${changes.length} changes`);
  const applied = numberIn(run([workcell, "apply", session]).stdout, /Applied (\d+) changes/);
  took(`apply: ${applied} changes`);
  mustBeNone("After apply", differences(after, readTree(work)));
  mustBeSparse(path.join(work, "large"));
  took("the folder is what the plain copy is, by checksums");
  const undone = numberIn(run([workcell, "undo", session]).stdout, /Undid (\d+) changes/);
  took(`undo: ${undone} changes`);
  mustBeNone("After undo", differences(before, readTree(work), { times: true }));
  mustBeSparse(path.join(work, "large"));
  took("the folder is as it was, by checksums");
  const counts = new Set([waiting, changes.length, applied, undone]);
  if (counts.size > 1) throw new Stop(`Not counted alike: ${[...counts].join(", ")}`);
}

/** @returns {Promise<number>} exit code */
async function main() {
  const page = makePage(process.stdout, process.env);
  if (!isStamped(root)) page.line(`Built: ${await buildAll(root)}`);
  const own = process.getuid?.() ?? 0;
  const people = own === 0 ? [0, STRANGER] : [own];
  for (const uid of people) {
    const person = { name: uid === 0 ? "root" : `uid ${uid}`, uid };
    const place = makePlace(root);
    try {
      if (uid !== own)
        for (const folder of [place.env["HOME"] ?? "", place.work, ...place.temporary, place.folder])
          chownSync(folder, uid, uid);
      play(place, person, (what, ms) => page.line(`${person.name.padEnd(10)}  ${what}  (${duration(ms)})`));
    } finally {
      place.remove();
    }
  }
  page.line("nightly files: nothing lost, nothing else changed");
  return 0;
}

await ending(main);
