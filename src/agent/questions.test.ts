import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { serveMessages, startAgent, use } from "../../test/helpers/messages-api.ts";
import { until } from "../../test/helpers/run-workcell.ts";

test("sub-agents that ask side by side are each answered, and each answer is about what is shown", async () => {
  const sub = (id: string) =>
    use("Task", { description: "d", prompt: id, subagent_type: "general-purpose" }, id);
  const api = await serveMessages([
    { uses: [sub("one"), sub("two")] },
    ({ messages }) => ({
      uses: [use("Bash", { command: `touch ${JSON.stringify(messages).includes('"one"') ? "one" : "two"}` })],
    }),
    ({ messages }) => ({
      uses: [use("Bash", { command: `touch ${JSON.stringify(messages).includes('"one"') ? "one" : "two"}` })],
    }),
    { text: "ok" },
    { text: "ok" },
    { text: "ok" },
  ]);
  const agent = startAgent(["do it"], { ...api, terminal: true });
  await until(() => agent.texts.err.includes("? Bash"), 5000);
  await until(() => api.requests.length === 3, 5000);
  const [, first = ""] = /touch (one|two)/.exec(agent.texts.err) ?? [];
  await new Promise((resolve) => setTimeout(resolve, 100));
  agent.type("y");
  await until(() => agent.texts.err.split("? Bash").length === 3, 5000);
  expect(readdirSync(agent.folder)).not.toContain(first === "one" ? "two" : "one");
  agent.type("no");
  expect(await agent.ended).toBe(0);
  expect(readdirSync(agent.folder)).toEqual([first]);
});
