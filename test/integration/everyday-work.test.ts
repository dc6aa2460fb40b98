import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { startScriptedModel } from "../../src/agent/index.ts";
import { everydayScript, everydayTask, papers } from "../helpers/everyday-work.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

const page = path.resolve(import.meta.dirname, "../../docs/everyday-work.md");

/** `npm run transcript`: the page is written instead of compared. */
const isWriting = process.env["WORKCELL_TRANSCRIPT"] === "1";

/** The same on every machine: no path of this one, no name drawn by lot, no time. */
function steady(text: string, desk: Desk, session: string): string {
  return text
    .replaceAll(path.join(desk.home, "papers"), "/home/mara/papers")
    .replaceAll(session, "kind-blue-noether")
    .replace(/conversation \S+/g, "conversation 1")
    .replace(/\d+ tokens in \(\d+ cached\), \d+ out, .*?, \d+\.\d s/g, "N tokens in, N out")
    .replace(/ \(\d+\.\d s\)$/gm, "")
    .replace(/[ \t]+$/gm, "");
}

/** Reads are done side by side, and end in any order. */
function inTurn(text: string): string {
  const isRead = (line: string) => /^(> Read | {2}Read: )/.test(line);
  const rank = (line: string) => `${line.startsWith(">") ? 0 : 1}${line}`;
  const lines = text.split("\n");
  const reads = lines.filter(isRead).sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
  return lines.map((line) => (isRead(line) ? (reads.shift() ?? "") : line)).join("\n");
}

const filesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();

const intro = `# A day's work: papers in order

A folder of mixed papers is sorted, renamed by date and added up, by the built-in agent in a cell. What the model says is played from a
script, so that this page is the same every time; tools, files, diff, apply and undo are real. \`npm run transcript\` plays it again and
writes this page; a test holds it.
`;

test("papers are put in order in a cell, shown, applied and taken back, and docs/everyday-work.md tells it", async () => {
  using desk = makeDesk(people.at(-1) ?? { name: "nobody" });
  const folder = desk.folder("home/papers");
  for (const [name, text] of Object.entries(papers)) {
    // What was changed last is found first.
    utimesSync(desk.file(`home/papers/${name}`, text), 1_770_000_000, 1_770_000_000);
  }
  const before = filesBelow(folder);
  const model = await startScriptedModel({ task: everydayScript() });
  const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-of-nobody" };
  const worked = await desk.workcell(["agent", "-m", ".", everydayTask], {
    cwd: folder,
    env,
    within: 50_000,
  });
  await model.close();
  expect([worked.code, worked.stderr]).toEqual([0, expect.stringContaining("wait in session")]);
  expect(filesBelow(folder)).toEqual(before);
  const session = /wait in session (\S+):/.exec(worked.stderr)?.[1] ?? "";

  const diff = await desk.workcell(["diff", session], { cwd: folder });
  const applied = await desk.workcell(["apply", session], { cwd: folder });
  const after = filesBelow(folder);
  expect(after).toHaveLength(before.length + 1);
  expect(readFileSync(path.join(folder, "costs.md"), "utf8")).toContain("| | **together** | **688.40** |");
  const undone = await desk.workcell(["undo", session], { cwd: folder });
  expect(filesBelow(folder)).toEqual(before);
  expect(existsSync(path.join(folder, "costs.md"))).toBe(false);

  const shown = (command: string, ...texts: readonly string[]) =>
    `\n\`\`\`console\n$ ${command}\n${steady(texts.join(""), desk, session).trimEnd()}\n\`\`\`\n`;
  const told = [
    intro,
    shown("ls", before.join("\n")),
    shown(`workcell agent -m . "${everydayTask}"`, inTurn(worked.stdout), worked.stderr),
    "\nThe folder itself is as it was. What the agent would change:\n",
    shown("workcell diff", diff.stdout),
    "\nThe person applies it, and could take it back.\n",
    shown("workcell apply", applied.stdout, applied.stderr),
    shown("find . -type f", after.join("\n")),
    shown("workcell undo", undone.stdout, undone.stderr),
  ].join("");
  if (isWriting) writeFileSync(page, told);
  expect(readFileSync(page, "utf8")).toBe(told);
});
