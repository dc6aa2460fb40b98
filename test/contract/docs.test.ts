import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { errorExitCodes } from "../../src/errors/index.ts";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md") && name !== "report.md"),
  ...readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
  ...["examples/first-job/README.md", "examples/first-task/README.md", "bench/README.md"],
];

/** Targets of `[text](target)` that are files of ours, without the part after `#`. */
function linksOf(file: string): string[] {
  return [...read(file).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^(https?:|mailto:|#)/.test(target))
    .map((target) => path.join(path.dirname(file), target.replace(/#.*/, "")));
}

/** What a link may name after `#`: a document's headings, as forges spell them. */
function anchorsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Links to a heading, of the document itself or of another one, that is not there. */
function lostAnchors(file: string): string[] {
  return [...read(file).matchAll(/\]\(([^)\s:#]*)#([^)\s]+)\)/g)].flatMap(([, target = "", anchor = ""]) => {
    const to = target === "" ? file : path.join(path.dirname(file), target);
    return anchorsOf(to).includes(anchor) ? [] : [`${to}#${anchor}`];
  });
}

/** First cells of a document's table rows, where they are code. */
function codeCells(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell = ""]) => cell);
}

test.each(documents)("%s links only to what exists", (file) => {
  expect(linksOf(file).filter((target) => !existsSync(path.join(root, target)))).toEqual([]);
  expect(lostAnchors(file)).toEqual([]);
});

test("README.md is short, and says what it has to say", () => {
  const readme = read("README.md");
  expect(readme.split("\n").length).toBeLessThanOrEqual(235);
  expect(readme).toContain(
    "Workcell is independent; not affiliated with or endorsed by Anthropic. Claude, Cowork and Claude in Chrome are their owners' names",
  );
});

test("SECURITY.md numbers its promises from P1 on, each with a test of its own", () => {
  const rows = [
    ...read("SECURITY.md").matchAll(/^\| P(\d+) \|.*\]\(((?:test\/security|src)\/[^)]+\.test\.ts)\) \|$/gm),
  ];
  const numbers = rows.map(([, number]) => Number(number));
  expect(numbers.length).toBeGreaterThan(0);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(new Set(rows.map(([, , file]) => file)).size).toBe(rows.length);
  // A row that is written otherwise would be passed over: all that begin like one are counted.
  expect(read("SECURITY.md").match(/^\| ?P\d+/gm)?.length).toBe(rows.length);
});

test("ARCHITECTURE.md has a paragraph for every room, and names only what its door exports", () => {
  const text = read("ARCHITECTURE.md");
  const rooms = readdirSync(path.join(root, "src"));
  expect(rooms.filter((room) => !text.includes(`**${room}**`))).toEqual([]);
  const named = [...text.matchAll(/^\*\*(\w+)\*\* \((`[^)]+`)\)/gm)].flatMap(([, room = "", names = ""]) =>
    names.split(", ").map((name) => ({ room, name: name.replaceAll("`", "") })),
  );
  expect(named.length).toBeGreaterThan(rooms.length / 2);
  const isExported = ({ room, name }: { room: string; name: string }) =>
    new RegExp(`\\b${name}\\b`).test(read(`src/${room}/index.ts`));
  expect(named.filter((one) => !isExported(one))).toEqual([]);
});

test("a line that keeps a promise names one that SECURITY.md has", () => {
  const promises = new Set([...read("SECURITY.md").matchAll(/^\| (P\d+) \|/gm)].map(([, name]) => name));
  const wrong = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => [...read(`src/${name}`).matchAll(/SECURITY\((P\d+)\)/g)].map(([, p]) => ({ name, p })))
    .filter(({ p }) => !promises.has(p));
  expect(wrong).toEqual([]);
});

test("docs/errors.md lists exactly the catalogue's codes, each with what to do", () => {
  const rows = [...read("docs/errors.md").matchAll(/^\| `(WC_[A-Z_]+)` \| (.+) \| (.+) \|$/gm)];
  expect(rows.map(([, code]) => code)).toEqual(Object.keys(errorExitCodes));
});

test("docs/dependencies.md lists exactly what package.json depends on", () => {
  const [, runTime = "", development = ""] =
    /## At run time(.*)## For development(.*)## On the machine/s.exec(read("docs/dependencies.md")) ?? [];
  const manifest = JSON.parse(read("package.json"));
  expect(codeCells(runTime).sort()).toEqual(Object.keys(manifest.dependencies).sort());
  expect(codeCells(development).sort()).toEqual(Object.keys(manifest.devDependencies).sort());
});

/** What a command's `--help` prints; needs the build, as the launcher does. */
function helpOf(...words: string[]): string {
  return execFileSync(path.join(root, "bin/workcell"), [...words, "--help"], { encoding: "utf8" });
}

/** Said once, for all commands. */
const everywhere = ["--help", "--version"];

const built = existsSync(path.join(root, "dist/workcell.js"));

test.skipIf(!built && process.env["CI"] === undefined)(
  "README.md has a section for every command: usage, example and every flag that --help names",
  () => {
    const sections = read("README.md").split(/^#{2,3} /m);
    const names = [...helpOf().matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name = ""]) => name);
    expect(names).toContain("run");
    expect(everywhere.filter((flag) => !read("README.md").includes(flag))).toEqual([]);
    const missing = names.flatMap((name) => {
      const help = helpOf(name);
      const usage = /^Usage: (.+)$/m.exec(help)?.[1] ?? "";
      const example = /^Example: (.+)$/m.exec(help)?.[1] ?? "";
      const flags = [...help.matchAll(/^ {2}(?:-\w, | {4})(--[a-z-]+)/gm)].map(([, flag = ""]) => flag);
      const section = sections.find((text) => text.includes(usage)) ?? "";
      const wanted = [usage, example, ...flags.filter((flag) => !everywhere.includes(flag))];
      return wanted.filter((text) => !section.includes(text)).map((text) => `${name}: ${text}`);
    });
    expect(missing).toEqual([]);
  },
);
