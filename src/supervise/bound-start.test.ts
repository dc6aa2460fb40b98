import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Running, SupervisorRecord } from "../launch/index.ts";
import { boundStart } from "./bound-start.ts";

const used = { cpuMs: 0, maxRssBytes: 0 };
const record: SupervisorRecord = { refused: [], shell: { complaints: ["bwrap: it waits"] }, used };
const cellFolder = "/no/such/cell";

/** A start of which nothing comes until it is told to. */
function starting() {
  const settle = { ready: () => {}, fail: (_error: Error) => {}, end: () => {}, listen: () => {} };
  const ready = new Promise<void>((resolve, reject) => {
    settle.ready = resolve;
    settle.fail = reject;
  });
  ready.catch(() => {});
  const ended = new Promise<SupervisorRecord>((resolve) => {
    settle.end = () => resolve(record);
  });
  const listeners = new Promise<{ http: object; socks: object }>((resolve) => {
    settle.listen = () => resolve({ http: {}, socks: {} });
  });
  const kill = vi.fn();
  const rest = {
    stdin: null,
    stdout: null,
    stderr: null,
    pids: () => undefined,
    go() {},
    signal: () => false,
  };
  return { running: { ...rest, ready, ended, listeners, kill } satisfies Running, kill, ...settle };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("boundStart() leaves a start alone that is ready in time, and no timer behind", async () => {
  const { running, kill, ready, end } = starting();
  const cancel = new AbortController();
  const bounded = boundStart(running, { session: "a", cellFolder, cancel: cancel.signal });
  await vi.advanceTimersByTimeAsync(59_000);
  ready();
  await bounded.ready;
  cancel.abort();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(kill).not.toHaveBeenCalled();
  end();
  expect(await bounded.ended).toBe(record);
});

test("boundStart() ends one that is not, and says how far it came once nothing of it is left", async () => {
  const { running, kill, end } = starting();
  const bounded = boundStart(running, { session: "a-b-c", cellFolder });
  let said: unknown;
  bounded.ready.catch((error: unknown) => {
    said = error;
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(kill).toHaveBeenCalledOnce();
  expect(said).toBeUndefined();
  end();
  await vi.advanceTimersByTimeAsync(0);
  expect(said).toMatchObject({
    code: "WC_LAUNCH",
    message:
      'Cannot start the cell of session "a-b-c": cell start timed out: it was to be ready within 60 s, and bubblewrap had not built it (bwrap: it waits)',
  });
  expect(await bounded.ended).toBe(record);
  expect(vi.getTimerCount()).toBe(0);
});

test("boundStart() says the time-out though the end that it brings fails the start too", async () => {
  const { running, fail, end, listen } = starting();
  const bounded = boundStart(running, { session: "a", cellFolder, limitMs: 500 });
  listen();
  await vi.advanceTimersByTimeAsync(500);
  fail(new Error("the sandbox ended before it was sealed"));
  end();
  await expect(bounded.ready).rejects.toThrow(
    /within 0\.5 s, and its ports were made, but it was not sealed/,
  );
});

test("boundStart() waits for nobody who cannot be ended, and says so", async () => {
  const { running } = starting();
  const bounded = boundStart(running, { session: "a", cellFolder });
  const failed = expect(bounded.ready).rejects.toThrow(/it could not be ended/);
  await vi.advanceTimersByTimeAsync(65_000);
  await failed;
  expect(await bounded.ended).toEqual({ refused: [], shell: { complaints: [] } });
  expect(vi.getTimerCount()).toBe(0);
});

test("boundStart() ends a cancelled start soon, and passes on what failed by itself", async () => {
  const one = starting();
  const cancel = new AbortController();
  const bounded = boundStart(one.running, { session: "a", cellFolder, cancel: cancel.signal });
  cancel.abort();
  await vi.advanceTimersByTimeAsync(1999);
  expect(one.kill).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  one.end();
  await expect(bounded.ready).rejects.toThrow(/it was cancelled before it was ready/);

  const other = starting();
  const failing = boundStart(other.running, { session: "a", cellFolder });
  other.fail(new Error("no such folder"));
  await expect(failing.ready).rejects.toThrow("no such folder");
  expect(vi.getTimerCount()).toBe(0);
});
