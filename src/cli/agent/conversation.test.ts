import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { keepConversation, readConversation } from "./conversation.ts";

function makeState(): string {
  const state = mkdtempSync(path.join(tmpdir(), "workcell-conversation-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  return state;
}

test("a conversation is read as it was kept, and the last one counts", async () => {
  const state = makeState();
  await keepConversation(state, "a-b", { agent: "claude", id: "0a-1" });
  expect(readConversation(state, "a-b")).toEqual({ agent: "claude", id: "0a-1" });
  await keepConversation(state, "a-b", { agent: "claude" });
  expect(readConversation(state, "a-b")).toEqual({ agent: "claude" });
});

test("what could be a flag, or no word at all, is no name, also in a file that somebody changed", async () => {
  const state = makeState();
  for (const id of ["--settings", "a b", "a\n", "", "a".repeat(200)]) {
    await keepConversation(state, "a-b", { agent: "claude", id });
    const file = path.join(state, "sessions/a-b/conversation.json");
    expect(readFileSync(file, "utf8")).not.toContain('"id"');
    writeFileSync(file, JSON.stringify({ agent: "claude", id }));
    expect(readConversation(state, "a-b")).toEqual({ agent: "claude" });
  }
});

test("where nothing is kept, or nothing that can be read, none is known", async () => {
  const state = makeState();
  expect(readConversation(state, "a-b")).toBeUndefined();
  await keepConversation(state, "a-b", { agent: "claude" });
  writeFileSync(path.join(state, "sessions/a-b/conversation.json"), "{");
  expect(readConversation(state, "a-b")).toBeUndefined();
});
