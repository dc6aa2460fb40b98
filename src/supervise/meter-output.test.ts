import { PassThrough, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { meterOutput } from "./meter-output.ts";

function sinkOf(chunks: string[], slow = false): Writable {
  return new Writable({
    highWaterMark: 4,
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      if (slow) setTimeout(done, 5);
      else done();
    },
  });
}

test("meterOutput() hands on exactly the limit, and says once that more came", async () => {
  const onExceeded = vi.fn();
  const { relay, stop } = meterOutput({ limitBytes: 10, onExceeded, onIdle: () => {} });
  const [out, err] = [new PassThrough(), new PassThrough()];
  const chunks: string[] = [];
  const ended = [relay(out, sinkOf(chunks)), relay(err, sinkOf(chunks))];
  out.write("12345678");
  await sleep(5);
  err.write("abcd");
  await sleep(5);
  out.end("9999");
  err.end();
  await Promise.all(ended);
  stop();
  expect(chunks.join("")).toBe("12345678ab");
  expect(onExceeded.mock.calls).toEqual([[12]]);
});

test("meterOutput() hands on everything at or below the limit, at the pace of a slow reader", async () => {
  const onExceeded = vi.fn();
  const { relay } = meterOutput({ limitBytes: 100, onExceeded, onIdle: () => {} });
  const source = new PassThrough();
  const chunks: string[] = [];
  const ended = relay(source, sinkOf(chunks, true));
  for (let index = 0; index < 10; index += 1) source.write("x".repeat(10));
  source.end();
  await ended;
  await sleep(60);
  expect(chunks.join("")).toHaveLength(100);
  expect(onExceeded).not.toHaveBeenCalled();
});

test("meterOutput() calls idle what carries no byte for the time, and nothing that does", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const onIdle = vi.fn();
    const meter = meterOutput({ idleMs: 60, onExceeded: () => {}, onIdle });
    const source = new PassThrough();
    void meter.relay(source, sinkOf([]));
    for (let index = 0; index < 4; index += 1) {
      await vi.advanceTimersByTimeAsync(40);
      if (index % 2 === 0) source.write("x");
      else meter.sawInput();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(onIdle).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(100);
    expect(onIdle).toHaveBeenCalledTimes(1);
  } finally {
    vi.useRealTimers();
  }
});

test("meterOutput() outlives a reader that goes away", async () => {
  const { relay, stop } = meterOutput({ onExceeded: () => {}, onIdle: () => {} });
  const source = new PassThrough();
  const sink = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
  const ended = relay(source, sink);
  source.write("x");
  await ended;
  stop();
  expect(source.destroyed).toBe(true);
});
