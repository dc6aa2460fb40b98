import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { openLauncher } from "./launchers.mjs";
import { availableBytes, descendants, pssBytes } from "./processes.mjs";

/**
 * A process that stays and starts commands, as a program does that embeds a sandbox. `resident TASK`, TASK being JSON;
 * prints what it measured as JSON.
 * @typedef {import("./launchers.mjs").Launcher} Launcher
 * @typedef {import("./launchers.mjs").Launched} Launched
 * @typedef {{ measure: string, count: number, warmUps: number, launchers: import("./launchers.mjs").LauncherTask[] }} Task
 */

/** The kernel takes namespaces down after their processes are gone: what one left is not charged to the next. */
const SETTLE_MS = 20;
/** What hangs is named instead of waited for. */
const HANGS_MS = 300_000;
/** Time for a thousand cells to start, to answer and to end, in ms: what has not by then does not count. */
const MOST_MS = { start: 240_000, answer: 60_000, end: 60_000 };

/** @template T @param {Promise<T>} work @param {string} what @returns {Promise<T>} */
async function inTime(work, what) {
  const timer = new AbortController();
  const late = sleep(HANGS_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} took longer than ${HANGS_MS / 1000} s`);
  });
  // What is cancelled below is nobody's failure.
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

/** From the call to the command's first byte. @param {Launcher} launcher */
async function timeToOutput(launcher) {
  const begun = performance.now();
  const { stdout, ended } = await launcher.launch(["echo", "here"]);
  await once(stdout, "data");
  const ms = performance.now() - begun;
  stdout.resume();
  await ended;
  await sleep(SETTLE_MS);
  return ms;
}

/** Each round starts one command with each, in another order. @param {Launcher[]} launchers @param {Task} task */
async function measureOutput(launchers, { count, warmUps }) {
  const times = new Map(launchers.map((launcher) => [launcher, /** @type {number[]} */ ([])]));
  for (let round = -warmUps; round < count; round++) {
    const first = Math.abs(round) % launchers.length;
    const order = [...launchers.slice(first), ...launchers.slice(0, first)];
    if (round % 2 !== 0) order.reverse();
    for (const launcher of order) {
      const ms = await inTime(timeToOutput(launcher), launcher.what);
      if (round >= 0) times.get(launcher)?.push(ms);
    }
  }
  return [...times].map(([{ id }, values]) => ({ id, times: values }));
}

/** Starts and ends `count` commands, `lanes` of them at a time. @param {Launcher} launcher @param {number} count @param {number} lanes */
async function startMany(launcher, count, lanes) {
  let left = count;
  const lane = async () => {
    while (left-- > 0) {
      const { stdout, ended } = await launcher.launch(["true"]);
      stdout.resume();
      await ended;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Begins at the same moment as the other residents: that moment is in the task. @param {Launcher[]} launchers @param {Task & { lanes: number, at: number }} task */
async function measureRate([launcher], { count, warmUps, lanes, at }) {
  if (launcher === undefined) return [];
  await startMany(launcher, warmUps, lanes);
  await sleep(Math.max(0, at - Date.now()));
  const begun = Date.now();
  await inTime(startMany(launcher, count, lanes), launcher.what);
  return [{ id: launcher.id, count, begun, ended: Date.now() }];
}

const sum = (/** @type {readonly number[]} */ values) => values.reduce((total, value) => total + value, 0);

/** `count` commands that do nothing: what each costs besides itself and this process. @param {Launcher[]} launchers @param {Task} task */
async function measureMemory([launcher], { count }) {
  if (launcher === undefined) return [];
  await inTime(startMany(launcher, 5, 1), launcher.what);
  const before = { own: pssBytes("self"), available: availableBytes(), processes: descendants(process.pid) };
  /** @type {Launched[]} */
  const live = [];
  for (let number = 0; number < count; number++) live.push(await launcher.launch(["sleep", "1000"]));
  await sleep(500);
  const known = new Set(before.processes.map(({ pid }) => pid));
  const started = descendants(process.pid).filter(({ pid }) => !known.has(pid));
  const [own, commands] = [false, true].map((isCommand) =>
    started.filter(({ name }) => (name === "sleep") === isCommand),
  );
  const each = (/** @type {import("./processes.mjs").Process[]} */ processes) =>
    sum(processes.map(({ pid }) => pssBytes(pid))) / count;
  const result = {
    id: launcher.id,
    count,
    names: [...new Set(own?.map(({ name }) => name))].sort(),
    processes: (own?.length ?? 0) / count,
    bytes: each(own ?? []),
    commandBytes: each(commands ?? []),
    residentBytes: (pssBytes("self") - before.own) / count,
    hostBytes: (before.available - availableBytes()) / count,
  };
  for (const { kill } of live) kill("SIGTERM");
  await inTime(Promise.allSettled(live.map(({ ended }) => ended)), launcher.what);
  return [result];
}

/** Says through its port 3128 what the gate answered, and waits for a second line before it ends. */
const asking = `
read -r go; exec 3<>/dev/tcp/127.0.0.1/3128
printf 'GET http://nowhere.invalid/ HTTP/1.1\\r\\nHost: nowhere.invalid\\r\\n\\r\\n' >&3
read -r protocol status rest <&3; exec 3>&-; echo "$status"; read -r stop`;

/** One after another, some at a time, until the time is up. @template T @param {readonly T[]} all @param {number} lanes @param {number} mostMs @param {(one: T) => Promise<void>} work */
async function inLanes(all, lanes, mostMs, work) {
  const waiting = [...all];
  const end = performance.now() + mostMs;
  const lane = async () => {
    for (let one = waiting.shift(); one !== undefined && performance.now() < end; one = waiting.shift())
      await work(one);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** What the processes of `count` live cells hold, without the commands, which are bash, and theirs. @param {number} count */
function memoryOfLive(count) {
  const started = descendants(process.pid);
  const [own, commands] = [false, true].map((isCommand) => {
    const processes = started.filter(({ name }) => (name === "bash") === isCommand);
    return sum(processes.map(({ pid }) => pssBytes(pid)).filter((bytes) => !Number.isNaN(bytes)));
  });
  const each = { bytesEach: (own ?? 0) / count, commandBytesEach: (commands ?? 0) / count };
  return { processes: started.length, ...each, residentBytes: pssBytes("self") };
}

/** Ends them all, by force what does not by itself. @param {readonly Launched[]} live */
async function endAll(live) {
  for (const { stdin } of live) stdin?.end("stop\n");
  const ended = Promise.allSettled(live.map((one) => one.ended));
  const isOver = await Promise.race([ended.then(() => true), sleep(MOST_MS.end, false, { ref: false })]);
  if (isOver) return;
  for (const { kill } of live) kill("SIGKILL");
  await inTime(ended, "the end of all");
}

/** `count` cells that live at once, each of which answers; then none. @param {Launcher[]} launchers @param {Task & { lanes: number }} task */
async function measureLive([launcher], { count, lanes }) {
  if (launcher === undefined) return [];
  const available = availableBytes();
  /** @type {Launched[]} */
  const live = [];
  const startMs = await timed(() =>
    inLanes(Array(count).fill(0), lanes, MOST_MS.start, async () => {
      live.push(await inTime(launcher.launch(["bash", "-c", asking], "pipe"), launcher.what));
    }),
  );
  const hostBytes = available - availableBytes();
  const memory = memoryOfLive(live.length);
  let answered = 0;
  const answerMs = await timed(() =>
    inLanes(live, lanes, MOST_MS.answer, async ({ stdin, stdout }) => {
      stdin?.write("go\n");
      const [data] = await inTime(once(stdout, "data"), "an answer");
      if (String(data).trim() === "403") answered += 1;
    }),
  );
  const endMs = await timed(() => endAll(live));
  const left = descendants(process.pid).length;
  const times = { startMs, answerMs, endMs };
  return [{ id: launcher.id, lived: live.length, answered, ...times, ...memory, hostBytes, left }];
}

const measures = { output: measureOutput, rate: measureRate, memory: measureMemory, live: measureLive };

const task = JSON.parse(process.argv[2] ?? "{}");
const launchers = await Promise.all(task.launchers.map(openLauncher));
const measure = measures[/** @type {keyof typeof measures} */ (task.measure)];
const result = await measure(launchers, task);
for (const { close } of launchers) await close();
process.stdout.write(`${JSON.stringify(result)}\n`);
