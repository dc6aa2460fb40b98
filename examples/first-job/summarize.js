// Sums up the texts in notes/ and writes summary.md.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

// Without a registry there is no node_modules: the vendored package then comes from its folder, and figures are not counted.
const { wordStats } = await import("word-stats").catch(() => import("./vendor/word-stats/index.js"));
const isNumber = await import("is-number").then(
  (module) => module.default,
  () => undefined,
);

function row(name) {
  const { lines, words } = wordStats(readFileSync(new URL(`notes/${name}`, import.meta.url), "utf8"));
  const figures = isNumber === undefined ? "not counted" : words.filter((word) => isNumber(word)).length;
  return `| ${name} | ${lines} | ${words.length} | ${figures} |`;
}

const names = readdirSync(new URL("notes/", import.meta.url)).sort();
const table = ["| file | lines | words | figures |", "|---|---|---|---|", ...names.map(row)];
writeFileSync(new URL("summary.md", import.meta.url), `# Summary\n\n${table.join("\n")}\n`);
console.log(
  `${names.length} files read, summary.md written${isNumber === undefined ? ", without is-number" : ""}`,
);
