import type { Readable, Writable } from "node:stream";

export interface OutputMeter {
  /** Bytes of all streams together; absent: no limit. */
  readonly limitBytes?: number;
  /** Time without a byte in any of them, in ms; absent: no limit. */
  readonly idleMs?: number;
  /** Called once, when more came than may; `usedBytes` is what came. */
  onExceeded(usedBytes: number): void;
  /** Called once, when nothing came for the idle time. */
  onIdle(): void;
}

/**
 * Hands streams on and counts what goes through. Of what is above the limit nothing is handed on, and nothing more is
 * read: the command stands still until it is ended.
 */
export function meterOutput(meter: OutputMeter) {
  const limit = meter.limitBytes ?? Number.POSITIVE_INFINITY;
  let usedBytes = 0;
  let over = false;
  const idle = meter.idleMs === undefined ? undefined : setTimeout(() => meter.onIdle(), meter.idleMs);
  const pass = (chunk: Buffer): Buffer => {
    idle?.refresh();
    const room = Math.max(0, limit - usedBytes);
    usedBytes += chunk.length;
    return chunk.length > room ? chunk.subarray(0, room) : chunk;
  };
  return {
    /** Hands `source` on to `sink`, at the pace of the slower of the two. Resolves when the source has ended. */
    relay(source: Readable, sink: Writable): Promise<void> {
      source.on("data", (chunk: Buffer) => {
        if (over) return;
        const part = pass(chunk);
        const ready = part.length === 0 || sink.write(part);
        if (usedBytes > limit) {
          over = true;
          meter.onExceeded(usedBytes);
        }
        if (!ready) {
          source.pause();
          sink.once("drain", () => source.resume());
        }
      });
      // A sink that has closed, as `head` does, ends the relay and not Workcell; the command sees it when it writes.
      sink.on("error", () => source.destroy());
      return new Promise((resolve) => source.once("close", () => resolve()));
    },
    /** Counts what goes in as activity. */
    sawInput(): void {
      idle?.refresh();
    },
    stop(): void {
      clearTimeout(idle);
    },
  };
}
