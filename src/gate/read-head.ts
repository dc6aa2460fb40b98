import type { ByteReader } from "./byte-reader.ts";
import { type BadHead, bad, HeadCollector, type Parsed } from "./http-head.ts";

export type HeadRead<T> =
  | { readonly state: "head"; readonly head: T; readonly length: number }
  | { readonly state: "end" }
  | { readonly state: "bad"; readonly fault: BadHead };

interface Options<T> {
  readonly parse: (lines: readonly string[]) => Parsed<{ readonly head: T }>;
  /** From its first byte to its last, in ms. */
  readonly headTimeoutMs: number;
  /** For its first byte, in ms; absent: as long as it takes. */
  readonly idleTimeoutMs?: number;
}

const tooLate = Symbol("too late");

/** Reads one head; the bytes after it stay with the reader. An end before its first byte is no fault. */
export async function readHead<T>(reader: ByteReader, options: Options<T>): Promise<HeadRead<T>> {
  const collector = new HeadCollector();
  const timer = new Deadline();
  try {
    timer.set(options.idleTimeoutMs);
    for (let length = 0; ; ) {
      const piece = await Promise.race([reader.next(), timer.passed]);
      if (piece === tooLate)
        return collector.begun ? fault(bad("the head took too long", 408)) : { state: "end" };
      if (piece === undefined)
        return collector.begun ? fault(bad("the head is cut short")) : { state: "end" };
      if (!collector.begun) timer.set(options.headTimeoutMs);
      const collected = collector.push(piece);
      length += piece.length;
      if (collected === undefined) continue;
      if (!collected.ok) return fault(collected);
      reader.putBack(collected.rest);
      const parsed = options.parse(collected.lines);
      if (!parsed.ok) return fault(parsed);
      return { state: "head", head: parsed.head, length: length - collected.rest.length };
    }
  } finally {
    timer.set(undefined);
  }
}

function fault(of: BadHead): { readonly state: "bad"; readonly fault: BadHead } {
  return { state: "bad", fault: of };
}

class Deadline {
  #timer: NodeJS.Timeout | undefined;
  #pass = () => {};
  readonly passed = new Promise<typeof tooLate>((resolve) => {
    this.#pass = () => resolve(tooLate);
  });

  set(ms: number | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = ms === undefined ? undefined : setTimeout(this.#pass, ms);
  }
}
