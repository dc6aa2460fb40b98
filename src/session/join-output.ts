import type { Readable, Writable } from "node:stream";
import type { CommandStdio, Running } from "../launch/index.ts";
import type { PlannedLimits } from "../model/index.ts";
import { type HeldLimits, meterOutput, reachedLimit } from "../supervise/index.ts";

/** How a command's output reaches the person: straight, or through Workcell where it is counted. */
export interface JoinedOutput {
  /** What the cell is to be started with. */
  readonly stdio: CommandStdio;
  /** Begins to count. The signal is aborted when nothing came for so many ms; undefined: not asked for. */
  meter(running: Running, held: HeldLimits): { signal: AbortSignal; ms: number } | undefined;
  /** Resolves when all that the command wrote has been handed on. */
  drained(): Promise<void>;
}

const own: Readonly<Record<1 | 2, () => Writable>> = { 1: () => process.stdout, 2: () => process.stderr };

/** Output is counted only for `--output` and `--idle`: else the command writes to the person's own descriptors. */
export function joinOutput(asked: CommandStdio, limits: PlannedLimits): JoinedOutput {
  const { outputBytes, idleMs } = limits;
  if (outputBytes === undefined && idleMs === undefined)
    return { stdio: asked, meter: () => undefined, drained: async () => {} };
  const [stdin, ...outputs] = asked;
  const counted = outputs.map((output) => (output === "inherit" ? "pipe" : output));
  const relays: Promise<void>[] = [];
  return {
    stdio: [stdin, counted[0] ?? "pipe", counted[1] ?? "pipe"],
    meter: (running, held) => {
      const idle = new AbortController();
      const meter = meterOutput({
        ...(outputBytes === undefined ? {} : { limitBytes: outputBytes }),
        ...(idleMs === undefined ? {} : { idleMs }),
        onExceeded: (used) => held.reach(reachedLimit("output", outputBytes ?? 0, used)),
        onIdle: () => idle.abort(),
      });
      const join = (source: Readable | null, output: 1 | 2) => {
        if (source !== null && asked[output] === "inherit") relays.push(meter.relay(source, own[output]()));
      };
      join(running.stdout, 1);
      join(running.stderr, 2);
      void running.ended.then(() => meter.stop());
      return idleMs === undefined ? undefined : { signal: idle.signal, ms: idleMs };
    },
    drained: async () => void (await Promise.all(relays)),
  };
}
