import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { findDriver } from "../../agent/index.ts";
import { holdTalk } from "./hold-talk.ts";

/** An agent that says these lines, and a person who is asked and types this; what both saw. */
async function talk(lines: readonly string[], typed: string) {
  const [agentIn, agentOut, person] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const claude = findDriver("claude")?.talk?.("x", { cwd: "/", isAsking: true });
  if (claude === undefined) throw new Error("Claude Code is not talked with");
  const { held } = holdTalk(
    { stdin: agentIn, stdout: agentOut },
    { talk: claude, isShown: true, stdout, stderr, typed: person, onConversation: () => {} },
  );
  for (const line of lines) agentOut.write(`${line}\n`);
  if (typed !== "") {
    await new Promise((resolve) => stderr.once("readable", resolve));
    person.write(`${typed}\n`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  agentOut.end();
  await held;
  const text = (stream: PassThrough) => `${stream.read() ?? ""}`;
  return { shown: text(stdout), asked: text(stderr), told: text(agentIn) };
}

const ask = (input: unknown) =>
  JSON.stringify({
    ...{ type: "control_request", request_id: "r1" },
    request: { subtype: "can_use_tool", tool_name: "Bash", input },
  });
const calls = (input: unknown) =>
  JSON.stringify({
    type: "assistant",
    message: { model: "m", content: [{ type: "tool_use", id: "1", name: "Bash", input }] },
  });

test("a line that nobody would send in good faith is left out, and said to be; the next one counts", async () => {
  const command = `x${"y".repeat(65 * 1024 * 1024)}`;
  const { shown } = await talk([calls({ command }), calls({ command: "next \u2028 one" })], "");
  expect(shown).toContain("It sent a line that cannot be read");
  expect(shown).not.toContain("xy");
  expect(shown).toContain("> Bash next \\u2028 one");
});

test("the end of a long command is shown before it is allowed", async () => {
  const { asked } = await talk([ask({ command: `: ${"x ".repeat(1000)}; rm -rf ~` })], "no");
  expect(asked).toContain("; rm -rf ~");
});

test("a line that nobody can read or show does not end the talk, and allows nothing", async () => {
  const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
  const hostile = [
    '{"type":"control_request","request_id":{"toString":1},"request":{"subtype":"can_use_tool","tool_name":"x"}}',
    '{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":{"toString":1}}}',
    calls("INPUT").replace('"INPUT"', deep),
    ask("INPUT").replace('"INPUT"', deep),
  ];
  const { shown, told } = await talk([...hostile, calls({ command: "still here" })], "");
  expect(shown).toContain("It sent a line that cannot be read");
  expect(shown).toContain("> Bash still here");
  expect(told).not.toContain('"behavior":"allow"');
});
