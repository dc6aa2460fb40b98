import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { npmInstall } from "../helpers/npm-install.ts";
import { serveResponses } from "../helpers/responses-api.ts";
import { makeDesk, people } from "../helpers/run-workcell.ts";

const patch = (...lines: readonly string[]) => ({
  tool: "apply_patch",
  input: ["*** Begin Patch", ...lines, "*** End Patch", ""].join("\n"),
});

test("real Codex asks before it applies a patch, and takes yes, no and why, and always for the same files", async ({
  skip,
}) => {
  const packages = ["@openai/codex@0.169.0", "@google/gemini-cli@0.61.0", "opencode-ai@1.18.33"];
  const versions = { codex: "0.169.0", opencode: "1.18.33" };
  const installed = npmInstall([...packages, "@copilotkit/aimock@1.43.0"], versions);
  skip(installed.problem !== "", installed.problem);
  using desk = makeDesk(people.at(-1) ?? { name: "nobody" });
  const api = await serveResponses([
    patch("*** Add File: once.txt", "+one"),
    patch("*** Add File: never.txt", "+none"),
    patch("*** Add File: always.txt", "+first"),
    patch("*** Update File: always.txt", "@@", "-first", "+second"),
    patch("*** Update File: once.txt", "@@", "-one", "+two"),
    { text: "That was all." },
  ]);
  const env = {
    PATH: `${installed.bin}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
    ...{ OPENAI_BASE_URL: api.url, OPENAI_API_KEY: "sk-o" },
  };
  const words = ["agent", "-m", `${desk.work}:rw`, "--permission-mode", "default", "codex", "Patch it"];
  const running = desk.startOnTerminal(words, { env, within: 50_000 });
  const answers = ["y", "Not that one", "a", "no"];
  let answered = 0;
  running.child.stdout?.on("data", () => {
    const asked = running.text().split("or no and why: ").length - 1;
    for (; answered < asked; answered += 1) running.child.stdin?.write(`${answers[answered]}\n`);
  });
  expect([(await running.ended).code, running.text()]).toEqual([0, expect.stringContaining("That was all.")]);
  // What was allowed for always was not asked a second time; another file's patch was.
  expect(answered).toBe(4);
  expect(running.text()).toMatch(/\? edit .*once\.txt.*\+?one[\s\S]*\[a\]lways for these files, or no/);
  const text = (name: string) =>
    existsSync(path.join(desk.work, name)) ? readFileSync(path.join(desk.work, name), "utf8") : undefined;
  expect(["once.txt", "never.txt", "always.txt"].map(text)).toEqual(["one\n", undefined, "second\n"]);
  expect(api.bodies.at(-1)).toMatch(/patch rejected by user[\s\S]*The person says: Not that one/);
  // What is no news to the person: that it declined, and that Codex's own sandbox cannot be made.
  expect(running.text()).not.toMatch(/ERROR|refused clone/);
});
