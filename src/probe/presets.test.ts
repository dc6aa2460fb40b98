import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { askPresets, type PresetRequest } from "./presets.ts";

let root: string;
let request: PresetRequest;

function writeTool(folder: string, name: string, script: string): void {
  mkdirSync(path.join(root, folder), { recursive: true });
  writeFileSync(path.join(root, folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(root, folder, name), 0o755);
}

const fakeNpm = (registry: string) =>
  `echo asked >> "$HOME/asked"; pwd >> "$HOME/where"\necho 'registry = "${registry}"'`;

const timesAsked = () => readFileSync(path.join(root, "home/asked"), "utf8").split("\n").length - 1;
const cacheFile = () => path.join(root, "cache/presets.json");

beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "workcell-presets-"));
  mkdirSync(path.join(root, "home"));
  writeTool("bin", "npm", fakeNpm("https://ann:secret@mirror.example:8443/"));
  request = {
    presets: ["npm"],
    env: { PATH: `${root}/bin:/bin` },
    home: path.join(root, "home"),
    cacheFolder: path.join(root, "cache"),
  };
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const mirror = {
  preset: "npm",
  found: true,
  hosts: ["mirror.example:8443"],
  environment: { npm_config_registry: "https://mirror.example:8443/" },
};

test("askPresets() asks the tool at / and keeps the answer, without its password", async () => {
  expect(await askPresets(request)).toEqual([mirror]);
  expect(await askPresets(request)).toEqual([mirror]);
  expect(timesAsked()).toBe(1);
  expect(readFileSync(path.join(root, "home/where"), "utf8")).toBe("/\n");
  expect(readFileSync(cacheFile(), "utf8")).not.toContain("secret");
  expect(statSync(cacheFile()).mode & 0o777).toBe(0o600);
});

test.each([
  ["a configuration file appears", () => writeFileSync(path.join(root, "home/.npmrc"), "x=1\n")],
  ["the tool is another", () => writeTool("bin", "npm", fakeNpm("https://mirror.example:8443/"))],
  [
    "the cache is damaged",
    () => writeFileSync(cacheFile(), '{"schema":"workcell.presets/1","entries":{"npm":7'),
  ],
  ["the cache has another form", () => writeFileSync(cacheFile(), '{"schema":"workcell.presets/0"}')],
  ["others may write to the cache", () => chmodSync(cacheFile(), 0o666)],
])("askPresets() asks again when %s", async (_, change) => {
  await askPresets(request);
  change();
  expect(await askPresets(request)).toEqual([mirror]);
  expect(timesAsked()).toBe(2);
  expect(await askPresets(request)).toEqual([mirror]);
  expect(timesAsked()).toBe(2);
});

test("askPresets() asks again when a variable of the tool changes, and not for others", async () => {
  await askPresets(request);
  await askPresets({ ...request, env: { ...request.env, EDITOR: "vi" } });
  expect(timesAsked()).toBe(1);
  await askPresets({ ...request, env: { ...request.env, npm_config_registry: "https://other.example" } });
  expect(timesAsked()).toBe(2);
});

test("askPresets() finds a tool that is put earlier on PATH, and never one in an excluded folder", async () => {
  const env = { PATH: `${root}/project/bin:.:relative:${root}/bin:/bin` };
  const exclude = [path.join(root, "project")];
  expect(await askPresets({ ...request, env })).toEqual([mirror]);
  writeTool("project/bin", "npm", fakeNpm("https://evil.example/"));
  expect(await askPresets({ ...request, env, exclude })).toEqual([mirror]);
  const [control] = await askPresets({ ...request, env });
  expect(control?.hosts).toEqual(["evil.example"]);
  // What was kept of the control does not count where its program is not trusted.
  expect(await askPresets({ ...request, env, exclude })).toEqual([mirror]);
});

test("askPresets() starts a tool with no excluded folder on its PATH, not even behind a link", async () => {
  writeTool("project/bin", "helper", "echo evil");
  writeTool("bin", "npm", `echo "registry = \\"https://$(helper || echo good).example/\\""`);
  const link = path.join(root, "link");
  symlinkSync(path.join(root, "project/bin"), link);
  const env = { PATH: `${link}:${root}/bin:/bin` };
  const [facts] = await askPresets({ ...request, env, exclude: [path.join(root, "project")] });
  const [control] = await askPresets({ ...request, cacheFolder: path.join(root, "other"), env });
  expect([facts?.hosts, control?.hosts]).toEqual([["good.example"], ["evil.example"]]);
});

test("askPresets() opens nothing for a tool that fails or hangs, says so, and keeps no such answer", async () => {
  writeTool("bin", "npm", 'echo asked >> "$HOME/asked"; echo \'registry = "https://half.example"\'; exit 3');
  const failed = await askPresets(request);
  expect(failed).toEqual([
    {
      preset: "npm",
      found: true,
      hosts: [],
      environment: {},
      problem: '"npm config ls": ended with exit code 3',
    },
  ]);
  writeTool("bin", "npm", "sleep 5");
  const [hung] = await askPresets({ ...request, timeoutMs: 100 });
  expect(hung?.problem).toBe('"npm config ls": no answer within 100 ms');
});

test("askPresets() says when the host has no such tool", async () => {
  const env = { PATH: path.join(root, "empty") };
  expect(await askPresets({ ...request, env })).toEqual([
    { preset: "npm", found: false, hosts: [], environment: {} },
  ]);
});
