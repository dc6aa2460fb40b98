import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import type { Policy } from "../model/index.ts";
import { parseHostPattern } from "../policy/index.ts";
import { judge } from "./judge.ts";

function house() {
  const root = tempFolder();
  for (const folder of ["work/sub", "outside"]) mkdirSync(path.join(root, folder), { recursive: true });
  symlinkSync("../outside", path.join(root, "work/link"));
  symlinkSync("../outside/new", path.join(root, "work/dangling"));
  const origin = "flag --allow-host";
  const rules = ["a.example", "b.example:8443"].map((text) => ({
    effect: "allow" as const,
    pattern: parseHostPattern(text, origin),
    origin,
    named: false,
  }));
  const source = path.join(root, "work");
  const rule: Policy = {
    network: { rules },
    folders: [{ source, name: "work", mode: "ro", origin: "flag --mount" }],
  };
  const ask = (what: string, access: "read" | "write" = "read") => judge(rule, { what, access, cwd: source });
  return { root, source, ask };
}

test.each([
  ["a.example", "connect a.example:443", "allow"],
  ["A.EXAMPLE.:80", "connect a.example:80", "allow"],
  ["b.example", "connect b.example:443", "deny"],
  ["b.example:8443", "connect b.example:8443", "allow"],
  ["c.example", "connect c.example:443", "deny"],
  ["[::1]:80", "connect [::1]:80", "deny"],
])("judge() of the host %s is %s: %s", async (what, subject, decision) => {
  expect(await house().ask(what)).toMatchObject({ subject, decision, layer: "gate" });
});

test("judge() gives the policy's own answer as a whole", async () => {
  expect(await house().ask("a.example")).toEqual({
    subject: "connect a.example:443",
    decision: "allow",
    layer: "gate",
    rule: "a.example",
    origin: "flag --allow-host",
  });
});

test.each([
  [".", "read", "", "allow"],
  ["./sub/../new/file", "read", "new/file", "allow"],
  [".", "write", "", "deny"],
  ["..", "read", "..", "deny"],
  ["./link", "read", "../outside", "deny"],
  ["./link/new", "read", "../outside/new", "deny"],
  ["./dangling", "read", "../outside/new", "deny"],
] as const)("judge() of the path %s (%s) looks at where it leads", async (what, access, place, decision) => {
  const { source, ask } = house();
  const subject = `${access} ${path.join(source, place)}`.replace(/\/$/, "");
  expect(await ask(what, access)).toMatchObject({ subject, decision, layer: "files" });
});

test.each([
  ["src/x", "the host holds the character /"],
  ["a.example:0", "a port from 1 to 65535 is needed after the host"],
])("judge() of %s is refused", async (what, problem) => {
  expect(await failureOf(() => house().ask(what))).toEqual({
    code: "WC_USAGE",
    message: `Cannot judge "${what}": ${problem}; it must be HOST, HOST:PORT or a PATH that starts with / or .`,
    remedy: "Write it like example.org, example.org:8443 or ./folder",
  });
});

test.each([
  [".git/hooks/pre-commit", "git runs it"],
  [".git/hooks", "git runs it"],
  ["sub/.vscode/tasks.json", "an editor takes commands from it when the folder is opened"],
  ["node_modules/a/.git/config", "git reads programs to run from it"],
  [".git", undefined],
  [".git/index", undefined],
  ["node_modules/a/.vscode/tasks.json", undefined],
  [".git/hooks/allowed", undefined],
  ["sub", undefined],
])("judge() of writing to %s in a folder that is connected rw: protected: %s", async (name, why) => {
  const source = path.join(tempFolder(), "work");
  for (const folder of [".git/hooks", "sub"]) mkdirSync(path.join(source, folder), { recursive: true });
  const folders = [{ source, name: "work", mode: "rw" as const, origin: "flag --mount" }];
  const kept = {
    facts: {},
    settings: { allowPaths: [{ value: ".git/hooks/allowed", origin: "flag --allow-path" }] },
  };
  const place = path.join(source, name);
  const asked = { what: place, access: "write" as const, cwd: source, kept };
  const protectedAs = {
    ...{ decision: "deny", layer: "files", rule: `protected: ${why}`, origin: "built in" },
    remedy: `workcell run -m ${source}:rw --allow-path ${place}`,
  };
  const mayBe = { decision: "allow", layer: "files", rule: `folder ${source} (rw)`, origin: "flag --mount" };
  expect(await judge({ network: { rules: [] }, folders }, asked)).toEqual({
    subject: `write ${place}`,
    ...(why === undefined ? mayBe : protectedAs),
  });
  // In review whatever is written waits, and what is protected may be read everywhere.
  const inReview = folders.map((one) => ({ ...one, mode: "review" as const }));
  expect((await judge({ network: { rules: [] }, folders: inReview }, asked)).decision).toBe("allow");
  const reading = { ...asked, access: "read" as const };
  expect((await judge({ network: { rules: [] }, folders }, reading)).decision).toBe("allow");
});
