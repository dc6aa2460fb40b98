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
