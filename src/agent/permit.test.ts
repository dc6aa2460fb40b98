import { expect, test } from "vitest";
import { Permissions } from "./permit.ts";
import { allTools } from "./tools/all-tools.ts";

const [tool] = allTools.filter(({ name }) => name === "Bash");
if (tool === undefined) throw new Error("Bash");
const wanted = (command: string) => ({
  ...{ id: "1", tool, input: { command }, cwd: "/work", root: "/work", parent: null },
});
const { signal } = new AbortController();

test("what a rule denies, no hook allows: in no mode, and not by changing what was asked about", async () => {
  const rm = { command: "rm x" };
  for (const mode of ["default", "dontAsk", "bypassPermissions"] as const) {
    const rules = { mode, allow: [], deny: ["Bash(rm:*)"] };
    const allowing = new Permissions(rules, { hook: async () => ({ may: true }) });
    expect(await allowing.permit(wanted("rm x"), signal)).toMatchObject({ may: false });
    expect(await allowing.permit(wanted("ls"), signal)).toMatchObject({ may: true });
    const changing = new Permissions(rules, { hook: async () => ({ may: true, input: rm }) });
    expect(await changing.permit(wanted("ls"), signal)).toMatchObject({ may: false });
  }
});
