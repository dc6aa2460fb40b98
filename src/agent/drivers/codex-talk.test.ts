import { expect, test } from "vitest";
import { codexTalk } from "./codex-talk.ts";
import type { Question } from "./driver.ts";

const line = (message: object) => JSON.stringify(message);
const linesOf = (reply: string | undefined) => (reply ?? "null").split("\n").map((one) => JSON.parse(one));
const open = (conversation?: string) => {
  const talk = codexTalk("do it", {
    cwd: "/work",
    isAsking: true,
    ...(conversation === undefined ? {} : { conversation }),
  });
  return { talk, threads: linesOf(talk.read(line({ id: 1, result: {} })).reply) };
};
const atWork = () => {
  const { talk } = open();
  const opened = talk.read(line({ id: 2, result: { thread: { id: "t" }, model: "m" } }));
  talk.read(line({ method: "turn/started", params: { turn: { id: "u" } } }));
  return { talk, opened };
};
const told = (method: string, params: object) => line({ method, params });

test("a thread is opened in the folder, and its turn is the task; a thread with a name is gone on with", () => {
  const { talk, threads } = open();
  expect(talk.opening.map((one) => JSON.parse(one).method)).toEqual(["initialize"]);
  expect(threads).toMatchObject([
    { method: "initialized" },
    { method: "thread/start", params: { cwd: "/work", approvalPolicy: "untrusted" } },
  ]);
  expect(open("t1").threads[1]).toMatchObject({ method: "thread/resume", params: { threadId: "t1" } });
  const { opened } = atWork();
  expect(opened).toMatchObject({ conversation: "t", events: [{ type: "started", model: "m" }] });
  expect(linesOf(opened.reply)).toMatchObject([
    { method: "turn/start", params: { threadId: "t", input: [{ text: "do it" }] } },
  ]);
});

test("what is said steers the turn that is on, and what came before there was one does too; it is stopped by its name", () => {
  const { talk } = open();
  expect([talk.say("early"), talk.interrupt?.()]).toEqual([undefined, undefined]);
  talk.read(line({ id: 2, result: { thread: { id: "t" } } }));
  const begun = talk.read(told("turn/started", { turn: { id: "u" } }));
  expect(linesOf(begun.reply)).toMatchObject([
    { method: "turn/steer", params: { input: [{ text: "early" }] } },
  ]);
  expect(linesOf(talk.say("late"))).toMatchObject([
    { method: "turn/steer", params: { threadId: "t", expectedTurnId: "u", input: [{ text: "late" }] } },
  ]);
  expect(linesOf(talk.interrupt?.())).toMatchObject([
    { method: "turn/interrupt", params: { threadId: "t", turnId: "u" } },
  ]);
  const end = talk.read(told("turn/completed", { turn: { id: "u", status: "interrupted" } }));
  expect(end.events).toMatchObject([{ type: "ended", status: "interrupted" }]);
});

test("what is said once the turn was stopped is the next one", () => {
  const { talk } = atWork();
  talk.interrupt?.();
  expect(talk.say("instead")).toBeUndefined();
  const stopped = talk.read(told("turn/completed", { turn: { id: "u", status: "interrupted" } }));
  expect(stopped.events).toMatchObject([{ type: "note", text: "Interrupted" }]);
  expect(linesOf(stopped.reply)).toMatchObject([
    { method: "turn/start", params: { threadId: "t", input: [{ text: "instead" }] } },
  ]);
  talk.read(told("turn/started", { turn: { id: "v" } }));
  expect(linesOf(talk.say("more"))).toMatchObject([
    { method: "turn/steer", params: { expectedTurnId: "v" } },
  ]);
});

test("its questions are the person's, with what would be changed; a no comes with why, and other requests are refused", () => {
  const { talk } = atWork();
  const changes = [{ path: "a", diff: "+x" }];
  talk.read(told("item/started", { item: { id: "i", type: "fileChange", changes } }));
  const ask = (method: string, params: object) => talk.read(line({ id: 7, method, params }));
  expect(ask("item/fileChange/requestApproval", { itemId: "i" }).question).toMatchObject({
    ...{ id: "7", tool: "edit", input: { changes }, always: [], alwaysFor: "these files" },
  });
  const { question } = ask("item/commandExecution/requestApproval", {
    itemId: "c",
    command: "rm a",
    cwd: "/work",
  });
  expect(question).toMatchObject({ tool: "command", input: { command: "rm a", cwd: "/work" } });
  const answered = (reply: Parameters<typeof talk.answer>[1]) =>
    linesOf(talk.answer(question as Question, reply));
  expect(answered({ may: true, always: false })).toEqual([{ id: 7, result: { decision: "accept" } }]);
  expect(answered({ may: true, always: true })).toEqual([
    { id: 7, result: { decision: "acceptForSession" } },
  ]);
  expect(answered({ may: false, why: "not so" })).toMatchObject([
    { method: "turn/steer", params: { input: [{ text: "not so" }] } },
    { id: 7, result: { decision: "decline" } },
  ]);
  expect(JSON.parse(ask("item/tool/requestUserInput", {}).reply ?? "null")).toMatchObject({
    id: 7,
    error: {},
  });
});

test("what it does is shown with what came of it, and its end with what it took", () => {
  const { talk } = atWork();
  const item = {
    type: "commandExecution",
    id: "c",
    command: "ls",
    status: "completed",
    aggregatedOutput: "a",
  };
  const events = [
    talk.read(told("item/started", { item })),
    talk.read(told("item/completed", { item })),
    talk.read(told("item/started", { item: { type: "reasoning", id: "r" } })),
    talk.read(told("item/agentMessage/delta", { delta: "Done" })),
    talk.read(
      told("thread/tokenUsage/updated", { tokenUsage: { total: { inputTokens: 5, cachedInputTokens: 2 } } }),
    ),
    talk.read(told("turn/completed", { turn: { status: "completed", durationMs: 9 } })),
  ].flatMap((heard) => heard.events);
  expect(events.map(({ type }) => type)).toEqual(["tool", "tool-ended", "stream", "ended"]);
  expect(events[3]).toMatchObject({ status: "done", models: { m: { tokens: { input_tokens: 3 } } } });
});

test("words that did not come as they were made are shown when they are there, and no others twice", () => {
  const { talk } = atWork();
  const said = (id: string) =>
    talk.read(told("item/completed", { item: { type: "agentMessage", id, text: "Done" } })).events;
  talk.read(told("item/agentMessage/delta", { itemId: "a", delta: "Done" }));
  const texts = (events: readonly object[]) => JSON.stringify(events).split("Done").length - 1;
  expect([texts(said("a")), texts(said("b"))]).toEqual([0, 1]);
});

test("a turn or a request that fails says why, but one beside the turn; nonsense says nothing", () => {
  const { talk } = atWork();
  const failed = talk.read(
    told("turn/completed", { turn: { status: "failed", error: { message: "no model" } } }),
  );
  expect(failed).toMatchObject({ isOver: "failed", events: [{ text: "Failed: no model" }] });
  expect(talk.read(line({ id: 2, error: { message: "gone" } })).isOver).toBe("failed");
  expect(talk.read(line({ id: 4, error: { message: "no turn" } }))).toEqual({ events: [] });
  for (const nonsense of ["", "null", "[]", "Loaded.", "{}"])
    expect(talk.read(nonsense)).toEqual({ events: [] });
});
