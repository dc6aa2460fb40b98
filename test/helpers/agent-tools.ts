import { onTestFinished } from "vitest";
import type { Tool, ToolAnswer } from "../../src/agent/tools/tool.ts";
import { Workplace } from "../../src/agent/tools/workplace.ts";
import { tempFolder } from "./temp-folder.ts";

/** A place to work in, with a tool's answers as the model gets them; it goes with the test. */
export function workplace(env: NodeJS.ProcessEnv = process.env) {
  const folder = tempFolder();
  const place = new Workplace(folder, { ...env, TMPDIR: tempFolder() });
  onTestFinished(() => place.close());
  const call = (tool: Tool, input: object, signal = new AbortController().signal): Promise<ToolAnswer> =>
    tool.run(input, { callId: "call", place, signal });
  return { folder, place, call };
}
