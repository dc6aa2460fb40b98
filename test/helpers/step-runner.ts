import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { build } from "esbuild";
import type { LayerBench } from "./layer-bench.ts";

/** Bundles the program that applies and undoes, or that forgets, so that it can be killed. */
export async function buildDriver(
  folder: string,
  name: "step-driver" | "forget-driver" = "step-driver",
): Promise<string> {
  const driver = path.resolve(import.meta.dirname, `../fixtures/${name}.ts`);
  const outfile = path.join(folder, `${name}.mjs`);
  await build({ entryPoints: [driver], bundle: true, platform: "node", format: "esm", outfile });
  return outfile;
}

/** Which process is killed: Workcell itself, or the one that works on files for it. */
export type Victim = "node" | "cellfiles";

export interface Ran {
  /** What the driver said after it had begun; undefined: it was killed before it could. */
  readonly said: Readonly<Record<string, unknown>> | undefined;
  readonly tookMs: number;
}

function startDriver(bench: LayerBench, program: string, what: string): ChildProcess {
  const file = path.join(bench.path, "../input.json");
  const text = JSON.stringify(bench.input(), (_, value) => (typeof value === "bigint" ? `${value}` : value));
  writeFileSync(file, text);
  return spawn(process.execPath, [program, file, what], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Gone, or a zombie that somebody has yet to reap. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Whether the number has not been given to somebody else by now. */
function isOf(bench: LayerBench, pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(bench.path);
  } catch {
    return false;
  }
}

/** Runs it, and kills one of its processes some time after it has begun; resolves when all are gone. */
export async function runStep(
  bench: LayerBench,
  program: string,
  by: { readonly what: string; readonly victim?: Victim; readonly afterMs?: number },
): Promise<Ran> {
  const others = bench.pids;
  const child = startDriver(bench, program, by.what);
  const lines: unknown[] = [];
  let [rest, beganAt] = ["", 0];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    const parts = `${rest}${text}`.split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.map((line) => JSON.parse(line)));
    if (beganAt !== 0 || lines.length === 0) return;
    beganAt = performance.now();
    if (by.victim !== undefined) void kill(bench, child, { ...by, victim: by.victim });
  });
  await once(child, "close");
  const tookMs = performance.now() - beganAt;
  const its = bench.pids.filter((pid) => !others.includes(pid));
  while (its.some((pid) => isAlive(pid) && isOf(bench, pid))) await wait(5);
  return { said: lines[1] as Ran["said"], tookMs };
}

/** Only as long as the driver runs, whose cellfiles it is then. */
async function kill(
  bench: LayerBench,
  child: ChildProcess,
  { victim, afterMs = 0 }: { readonly victim: Victim; readonly afterMs?: number },
): Promise<void> {
  const cellfiles = bench.pid;
  await wait(afterMs);
  if (child.exitCode !== null || child.signalCode !== null) return;
  if (victim === "node") child.kill("SIGKILL");
  else if (cellfiles > 1 && isAlive(cellfiles)) process.kill(cellfiles, "SIGKILL");
}
