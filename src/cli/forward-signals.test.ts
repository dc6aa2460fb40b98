import { afterEach, expect, test, vi } from "vitest";
import type { RunningCell } from "../session/index.ts";
import { forwardSignals } from "./forward-signals.ts";

const handed = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGIO"] as const;
const names = [...handed, "SIGTSTP", "SIGCONT"] as const;
type Name = (typeof names)[number];

/** Listeners as they are without forwardSignals(): the test runner has its own. */
const listeners = () => new Map(names.map((name) => [name, process.listeners(name)]));

function forward(deliver: ((name: NodeJS.Signals) => boolean) | undefined) {
  const before = listeners();
  const cancel = new AbortController();
  const cell = deliver === undefined ? undefined : ({ kill: deliver } as RunningCell);
  const stop = forwardSignals(() => cell, cancel);
  const send = (name: Name) => {
    for (const listener of process.listeners(name).filter((one) => !before.get(name)?.includes(one)))
      listener(name);
  };
  return { before, cancel, stop, send };
}

afterEach(() => void vi.restoreAllMocks());

test("forwardSignals() hands signals to the command, and cancels nothing", () => {
  const got: string[] = [];
  const { cancel, stop, send } = forward((name) => got.push(name) > 0);
  for (const name of handed) send(name);
  send("SIGCONT");
  stop();
  expect(got).toEqual([...handed, "SIGCONT"]);
  expect(cancel.signal.aborted).toBe(false);
});

test("forwardSignals() cancels at the third interrupt, and not for other signals", () => {
  const { cancel, stop, send } = forward(() => true);
  for (const name of ["SIGTERM", "SIGTERM", "SIGTERM", "SIGINT", "SIGINT"] as const) send(name);
  expect(cancel.signal.aborted).toBe(false);
  send("SIGINT");
  expect(cancel.signal.aborted).toBe(true);
  stop();
});

test.each([
  ["there is none yet", undefined],
  ["it has ended", () => false],
])("forwardSignals() cancels when the command cannot be told: %s", (_, deliver) => {
  const { cancel, stop, send } = forward(deliver);
  expect(cancel.signal.aborted).toBe(false);
  send("SIGTERM");
  expect(cancel.signal.aborted).toBe(true);
  stop();
});

test("forwardSignals() stops the command before Workcell stops itself", () => {
  const got: unknown[] = [];
  vi.spyOn(process, "kill").mockImplementation((pid, name) => {
    got.push([pid, name]);
    return true;
  });
  const { cancel, stop, send } = forward((name) => got.push(name) > 0);
  send("SIGTSTP");
  stop();
  expect(got).toEqual(["SIGSTOP", [process.pid, "SIGSTOP"]]);
  expect(cancel.signal.aborted).toBe(false);
});

test("forwardSignals() leaves no listener behind", () => {
  const { before, stop } = forward(() => true);
  expect(listeners()).not.toEqual(before);
  stop();
  expect(listeners()).toEqual(before);
});
