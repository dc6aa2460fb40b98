import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const src = path.join(root, "src");

/** Which rooms a room may import, besides itself and the ground floor. */
const table: Record<string, readonly string[]> = {
  model: [],
  errors: [],
  lib: [],
  settings: [],
  policy: ["settings"],
  probe: ["settings"],
  plan: ["settings", "policy"],
  launch: ["plan"],
  supervise: ["launch"],
  report: [],
  gate: ["policy"],
  changes: ["policy"],
  agent: [],
  session: ["settings", "policy", "probe", "plan", "launch", "supervise", "report", "gate", "changes"],
  observe: ["settings", "report", "session", "agent"],
  cli: ["settings", "policy", "probe", "plan", "report", "changes", "agent", "session", "observe"],
};
const groundFloor = ["model", "errors", "lib"];

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.join(folder, name));
}

const rooms = readdirSync(src, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

test("every room is in the table, and every room of the table exists", () => {
  expect([...rooms].sort()).toEqual(Object.keys(table).sort());
});

test.each(rooms.filter((room) => room !== "lib"))(
  "%s: its door says what it is, in, out and may import",
  (room) => {
    const door = readFileSync(path.join(src, room, "index.ts"), "utf8");
    expect(door).toMatch(
      new RegExp(`^/\\*\\*\\n \\* ${room}: .+\\n \\* in: .+\\n( \\* .+\\n)* \\* may import: .+\\n \\*/`),
    );
  },
);

test.each(rooms)("%s: imports only what the table allows, and other rooms only by their door", (room) => {
  const allowed = [...(table[room] ?? []), ...(groundFloor.includes(room) ? [] : groundFloor)];
  const wrong: string[] = [];
  for (const file of files(path.join(src, room))) {
    for (const [, target = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
      const [other = "", ...rest] = path
        .relative(src, path.resolve(path.dirname(file), target))
        .split(path.sep);
      if (other === room || other === "..") continue;
      const byDoor = other === "lib" || rest.join("/") === "index.ts";
      if (!allowed.includes(other) || !byDoor) wrong.push(`${path.relative(src, file)} -> ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test.each(["model", "errors", "policy", "plan"])(
  "%s is pure: it knows no file, process, socket or clock",
  (room) => {
    const impure = /node:(fs|child_process|net|http|https|dns|os)\b|\bprocess\.|Date\.now|Math\.random/;
    const wrong = files(path.join(src, room)).filter(
      (file) => !file.endsWith(".test.ts") && impure.test(readFileSync(file, "utf8")),
    );
    expect(wrong).toEqual([]);
  },
);

test("no source file is over 400 lines", () => {
  const long = [...files(src), ...files(path.join(root, "test"))]
    .filter((file) => !file.endsWith(".gen.ts"))
    .filter((file) => readFileSync(file, "utf8").split("\n").length > 401);
  expect(long).toEqual([]);
});
