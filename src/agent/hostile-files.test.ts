import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { resultsOf, serveMessages, startAgent, use } from "../../test/helpers/messages-api.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";

test("advice that is a pipe, and skills that are a link to themselves, keep nobody from the work", async () => {
  const folder = tempFolder();
  execFileSync("mkfifo", [path.join(folder, "CLAUDE.md")]);
  mkdirSync(path.join(folder, ".claude"));
  symlinkSync("skills", path.join(folder, ".claude/skills"));
  writeFileSync(path.join(folder, "advice"), "Be brief.");
  symlinkSync("advice", path.join(folder, "AGENTS.md"));
  const api = await serveMessages([{ text: "ok" }]);
  const agent = startAgent(["--json", "do it"], { ...api, folder });
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(JSON.stringify(api.requests[0]?.system)).toContain("Be brief.");
});

test("a pipe is not searched, for nobody may ever write to it", async () => {
  const folder = tempFolder();
  execFileSync("mkfifo", [path.join(folder, "pipe")]);
  const api = await serveMessages([{ uses: [use("Grep", { pattern: "x", path: "pipe" })] }, { text: "ok" }]);
  const agent = startAgent(["--json", "do it"], { ...api, folder });
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(resultsOf(api.requests[1])).toMatchObject([
    { is_error: true, content: expect.stringContaining("but a pipe") },
  ]);
});

const refusal = { status: 400, error: "messages.2.content.0: Could not process image" };

test("a picture that the endpoint refuses does not cost the conversation, nor its later turns", async () => {
  const folder = tempFolder();
  writeFileSync(path.join(folder, "a.png"), "\x89PNG\r\n\x1a\nno picture at all", "latin1");
  const api = await serveMessages([
    { uses: [use("Read", { file_path: "a.png" })] },
    refusal,
    { text: "It is damaged." },
    { text: "later" },
  ]);
  const agent = startAgent(["--json", "look at it"], { ...api, folder });
  agent.closeInput();
  expect(await agent.ended).toBe(0);
  expect(JSON.stringify(api.requests[1]?.messages)).toContain('"type":"image"');
  expect(JSON.stringify(api.requests[2]?.messages)).toContain("[image, left out");
  expect(agent.find("note")).toMatchObject({ text: expect.stringContaining("Could not process image") });
  const again = startAgent(["--json", "--continue", "go on"], { ...api, folder, home: agent.home });
  again.closeInput();
  expect(await again.ended).toBe(0);
  expect(JSON.stringify(api.requests[3]?.messages)).not.toContain('"type":"image"');
});

test("what is refused for another reason costs no picture", async () => {
  const folder = tempFolder();
  writeFileSync(path.join(folder, "a.png"), "\x89PNG\r\n\x1a\n", "latin1");
  const api = await serveMessages([{ uses: [use("Read", { file_path: "a.png" })] }, refusal, refusal]);
  const agent = startAgent(["--json", "look at it"], { ...api, folder });
  agent.closeInput();
  expect(await agent.ended).toBe(1);
  const name = `${agent.find("started")?.["session"]}.jsonl`;
  const kept = readFileSync(path.join(agent.home, ".workcell-agent/sessions", name), "utf8");
  expect(kept).toContain('"type":"image"');
  expect(kept).not.toContain("left out");
});
