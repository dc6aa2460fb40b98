import { expect, test } from "vitest";
import { sampleObservations as found, sampleInside } from "../../test/fixtures/sample-observations.ts";
import { drawEnvironment } from "./drawing.ts";
import { renderReportJson } from "./json.ts";
import { judgeEnvironment } from "./judge.ts";
import { renderMarkdown, renderUnmet } from "./markdown.ts";

test("drawEnvironment() draws what was found: host, gate, tunnel, cell, processes, session", () => {
  const { text, missing } = drawEnvironment(found);
  expect(missing).toEqual([]);
  expect(new Set(text.split("\n").map((line) => [...line].length))).toEqual(new Set([96]));
  expect(text).toMatchSnapshot();
});

test("renderMarkdown() is a document with one drawing and a table for each area", () => {
  expect(renderMarkdown(judgeEnvironment(found), found)).toMatchSnapshot();
});

test("renderMarkdown() lets no observed value steer a terminal or break a table", () => {
  const hostile = "a|b\u001b[31m\n## heading <script>```";
  const inside = { seen: { ...sampleInside, hostname: hostile, distribution: hostile } };
  const observations = { ...found, inside };
  const text = renderMarkdown(judgeEnvironment(observations), observations);
  expect(text).not.toContain("\u001b");
  expect(text).not.toContain("\n## heading");
  expect(text).not.toContain("<script>\\u");
  expect(text.match(/```/g)).toHaveLength(2);
});

test("renderReportJson() has exactly the stable shape", () => {
  const value = JSON.parse(renderReportJson(judgeEnvironment(found)));
  expect(Object.keys(value)).toEqual(["schema", "profile", "tier", "tunnel", "rows"]);
  expect(Object.keys(value.rows[0])).toEqual([
    "id",
    "area",
    "title",
    "reference",
    "observed",
    "status",
    "how",
  ]);
  expect(value.rows).toHaveLength(40);
});

test("renderUnmet() has a line for each row that is not as required, and none for the others", () => {
  const inside = { seen: { ...sampleInside, hostname: "debian" } };
  const { rows } = judgeEnvironment({ ...found, inside });
  const some = rows.filter(({ id }) =>
    ["os.hostname", "os.kernel", "disk.efi", "agent.mcp.browser", "proc.1"].includes(id),
  );
  expect(renderUnmet(some).split("\n")).toEqual([
    'differs  os.hostname          `debian`; the host\'s own is untouched; but it is "debian"',
    "unknown  agent.mcp.browser    not built yet: MCP server on the host's side",
    "",
  ]);
});
