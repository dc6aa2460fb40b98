import { expect, test } from "vitest";
import { judgeHidden, judgeInstall, judgeRefused, judgeSummarize } from "../../scripts/first-job/judge.mjs";
import { judgeCall, judgeEnd } from "../../scripts/first-task/judge.mjs";
import { packageManagers } from "../../scripts/setup/package-managers.mjs";
import { duration, size } from "../../scripts/setup/page.mjs";
import { installLine } from "../../scripts/setup/system.mjs";
import { addUp, failedLines, totalsLine } from "../../scripts/setup/test-totals.mjs";

const connect = {
  decision: "allow",
  kind: "connect",
  rule: "registry.example",
  origin: "profile cowork, preset npm",
  layer: "gate",
  subject: "registry.example:443",
  bytesDown: 10_500,
};
const post = {
  ...connect,
  decision: "deny",
  kind: "request",
  rule: "not among 1 allowed host (profile cowork, preset npm)",
  subject: "POST http://collect.example/",
};
const remedy = "workcell run --allow-host collect.example";
const denials = [{ layer: "gate", rule: post.rule, origin: post.origin, what: post.subject, remedy }];
const key = { path: "/home/mara/.ssh/id_ed25519", shown: "~/.ssh/id_ed25519", decoy: false };
const attempts = {
  reads: [{ place: key.path, error: "ENOENT" }],
  posted: { url: "http://collect.example/", status: 403, answer: "" },
};
const control = { place: key.path, bytes: 411 };

test("judgeInstall() counts the registry's connections and bytes", () => {
  expect(judgeInstall({ code: 0, ms: 1900, stderr: "", audit: [connect, connect, post] })).toEqual({
    word: "ok",
    act: "npm install",
    text: "2 connections to the configured registry, 21 kB",
    ms: 1900,
  });
});

test("judgeInstall() skips for a registry that does not answer, and only then", () => {
  const dead = { ...connect, failure: "ECONNREFUSED" };
  expect(judgeInstall({ code: 1, ms: 1, stderr: "", audit: [dead] })).toEqual({
    word: "skipped",
    act: "npm install",
    text: "the configured registry did not answer: ECONNREFUSED",
  });
  const stderr = "npm error code E404\nnpm error 404 Not Found";
  expect(judgeInstall({ code: 1, ms: 1, stderr, audit: [connect] })).toMatchObject({ word: "FAIL" });
});

test("judgeInstall() does not believe an install of which the audit log knows nothing", () => {
  expect(judgeInstall({ code: 0, ms: 1, stderr: "", audit: [post] })).toMatchObject({ word: "FAIL" });
});

test("judgeSummarize() wants the file as well as the exit code", () => {
  const seen = { code: 0, ms: 300, stdout: "2 files read, summary.md written\n", stderr: "" };
  expect(judgeSummarize({ ...seen, summary: "# Summary\n" })).toEqual({
    word: "ok",
    act: "npm run summarize",
    text: "2 files read, summary.md written",
    ms: 300,
  });
  expect(judgeSummarize({ ...seen, summary: undefined })).toMatchObject({ word: "FAIL" });
  expect(judgeSummarize({ ...seen, code: 1, summary: "# Summary\n" })).toMatchObject({ word: "FAIL" });
});

test("judgeRefused() holds the script's word against the audit log", () => {
  expect(judgeRefused({ attempts, audit: [connect, post], denials })).toEqual({
    word: "refused",
    act: "post to collect.example",
    text: "gate: not among 1 allowed host (profile cowork, preset npm)",
    more: [`to allow it: ${remedy}`],
  });
});

test.each([
  ["there is no attempts.json", { attempts: undefined, audit: [post] }],
  ["the log holds it as allowed", { attempts, audit: [{ ...post, decision: "allow" }] }],
  ["the log holds nothing of it", { attempts, audit: [connect] }],
  [
    "the script got an answer",
    { attempts: { ...attempts, posted: { ...attempts.posted, status: 200 } }, audit: [post] },
  ],
])("judgeRefused() fails when %s", (_, seen) => {
  expect(judgeRefused({ denials, ...seen })).toMatchObject({ word: "FAIL" });
});

test("judgeHidden() wants the read to fail inside and to succeed outside", () => {
  expect(judgeHidden({ attempts, key, control })).toEqual({
    word: "hidden",
    act: "~/.ssh/id_ed25519",
    text: "the host's home is not in the cell (control: the same read succeeds outside)",
  });
  const decoy = { path: key.path, shown: "decoy id_ed25519", decoy: true };
  expect(judgeHidden({ attempts, key: decoy, control })).toMatchObject({
    word: "hidden",
    more: [`a decoy: ${key.path}`],
  });
});

test.each([
  ["the key was read", { attempts: { ...attempts, reads: [{ place: key.path, bytes: 411 }] }, control }],
  ["the key was not tried", { attempts: { ...attempts, reads: [] }, control }],
  ["there is no attempts.json", { attempts: undefined, control }],
  ["the control fails too", { attempts, control: { place: key.path, error: "ENOENT" } }],
])("judgeHidden() fails when %s", (_, seen) => {
  expect(judgeHidden({ key, ...seen })).toMatchObject({ word: "FAIL" });
});

test("installLine() is a line that a person can paste", () => {
  const [apt] = packageManagers;
  expect(apt && installLine(apt, ["bubblewrap", "socat"])).toBe(
    "sudo apt-get install -y --no-install-recommends bubblewrap socat",
  );
});

const one = (status: string, ...failureMessages: string[]) => ({
  ...{ status, ancestorTitles: ["a cell", "as root"], title: "starts", failureMessages },
});
const rounds = [
  {
    testResults: [
      { name: "/w/src/a.test.ts", status: "passed", assertionResults: [one("passed"), one("pending")] },
    ],
  },
  {
    testResults: [
      { name: "/w/b.test.ts", status: "failed", message: "\x1b[31mno such file\nat x", assertionResults: [] },
      {
        name: "/w/src/c.test.ts",
        status: "failed",
        assertionResults: [one("failed", "Error: 1 is not 2\n  at c.test.ts"), one("passed")],
      },
    ],
  },
];

test("addUp() counts a file that could not be loaded as a failure", () => {
  expect(totalsLine(addUp(rounds))).toBe("2 passed, 2 failed, 1 skipped");
});

test("failedLines() names each failed test and the first line of why", () => {
  expect(failedLines(rounds, "/w")).toEqual([
    "failed  b.test.ts: no such file",
    "failed  src/c.test.ts > a cell > as root > starts: Error: 1 is not 2",
  ]);
});

test("duration() and size() are short and never more exact than they are true", () => {
  expect([duration(290), duration(14_200), size(999), size(20_900), size(2_500_000)]).toEqual([
    "0.3 s",
    "14 s",
    "999 B",
    "21 kB",
    "2.5 MB",
  ]);
});

const call = { type: "tool-ended", name: "Bash", ms: 500 };
const folder = "/sessions/a-b-c/mnt/first-task";

test("judgeCall() says in a line what a call was about and what came of it, paths without the folder", () => {
  const failed = { ...call, result: { is_error: true, content: [{ text: "not ok\nmore\n[Exit code 1]" }] } };
  expect(judgeCall(failed, { input: { command: "node --test" }, folder })).toEqual({
    ...{ word: "agent", act: "Bash node --test", text: "[Exit code 1], 3 lines", ms: 500 },
  });
  const read = { ...call, name: "Read", result: { content: `Made "${folder}/x.md"` } };
  expect(judgeCall(read, { input: { file_path: `${folder}/x.md` }, folder })).toMatchObject({
    ...{ act: "Read x.md", text: 'Made "x.md"' },
  });
});

test("judgeEnd() believes an agent that says itself that it is done, and whose cell ended well", () => {
  const last = { type: "ended", status: "done", models: { scripted: {} }, ms: 900 };
  expect(judgeEnd({ code: 0, complaint: "", last })).toMatchObject({ word: "ok", ms: 900 });
  expect(judgeEnd({ code: 1, complaint: "no", last })).toMatchObject({
    word: "FAIL",
    text: "it ended with 1: no",
  });
  expect(judgeEnd({ code: 0, complaint: "", last: { ...last, status: "failed" } }).word).toBe("FAIL");
  expect(judgeEnd({ code: 0, complaint: "", last: undefined }).word).toBe("FAIL");
});
