import { expect, test } from "vitest";
import type { SupervisorRecord } from "../launch/index.ts";
import { judgeEnding } from "./judge-ending.ts";

const raw = (
  shell: Partial<SupervisorRecord["shell"]>,
  rest: Partial<SupervisorRecord> = {},
): SupervisorRecord => ({ refused: [], ...rest, shell: { complaints: [], ...shell } });

const judge = (shell: Partial<SupervisorRecord["shell"]>, rest?: Partial<SupervisorRecord>) =>
  judgeEnding(raw(shell, rest), undefined, "job");

test.each([0, 1, 124, 125, 126, 127, 128, 130, 137, 143, 255])(
  "judgeEnding() passes the exit code %i on",
  (code) => {
    expect(judge({ exitCode: code })).toEqual({ status: "exited", exitCode: code, signal: null });
  },
);

test.each([
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGKILL", 137],
  ["SIGSEGV", 139],
  ["SIGTERM", 143],
  ["SIGSYS", 159],
] as const)("judgeEnding() says that %s ended the command", (signal, exitCode) => {
  expect(judge({ exitCode, signal })).toEqual({ status: "signalled", exitCode, signal });
});

test.each([[125, "the tunnel's forwarders did not start"]] as const)(
  "judgeEnding() says why the command never started: %i",
  (notStarted, reason) => {
    expect(judge({ notStarted })).toEqual({
      status: "never-started",
      exitCode: notStarted,
      signal: null,
      reason,
    });
  },
);

test("judgeEnding() says that the shell was lost when it never told how the command ended", () => {
  const lost = { status: "forwarder-lost", exitCode: 137, signal: null };
  expect(judge({})).toEqual(lost);
  // A job's notice without the shell's last word is not believed: the shell was killed with it.
  expect(judge({ signal: "SIGKILL" })).toEqual(lost);
});

test.each([
  ["timed-out", 124],
  ["cancelled", 130],
] as const)("judgeEnding() says %s whatever became of the command", (why, exitCode) => {
  const ending = { status: why, exitCode, signal: null };
  for (const shell of [{}, { exitCode: 0 }, { exitCode: 143, signal: "SIGTERM" as const }])
    expect(judgeEnding(raw(shell), why, "job")).toEqual(ending);
  // What never started was not ended.
  expect(judgeEnding(raw({ notStarted: 125 }), why, "job").status).toBe("never-started");
});

test.each([
  [0, { status: "exited", exitCode: 0, signal: null }],
  [143 << 8, { status: "exited", exitCode: 143, signal: null }],
  [15, { status: "signalled", exitCode: 143, signal: "SIGTERM" }],
  [9 | 0x80, { status: "signalled", exitCode: 137, signal: "SIGKILL" }],
])("judgeEnding() reads the wait status %i that cellinit sends", (status, ending) => {
  expect(judge({}, { status })).toEqual(ending);
});

test("judgeEnding() says what cellinit could not do", () => {
  const failed = { step: "landlock (EOPNOTSUPP)", code: 125 } as const;
  expect(judge({}, { failed })).toMatchObject({ status: "never-started", exitCode: 125 });
  expect(judge({}, { failed: { step: "execute (ENOENT)", code: 127 } })).toMatchObject({
    exitCode: 127,
    reason: '"job" was not found in the cell',
  });
});
