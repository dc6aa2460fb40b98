import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import type { PresetFacts, PresetName } from "../../src/model/index.ts";
import { askPresets } from "../../src/probe/presets.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const root = path.resolve(import.meta.dirname, "../..");
const searchPath = process.env["PATH"] ?? "";

/** A home with the person's own configuration of three tools, and a project with a hostile one. */
function makePlace() {
  const place = tempFolder();
  const home = path.join(place, "home");
  const project = path.join(place, "project");
  mkdirSync(path.join(home, ".config/pip"), { recursive: true });
  mkdirSync(project);
  const npmrc = ["registry=https://ann:hush@mirror.example:8443/", "@acme:registry=http://acme.example/"];
  writeFileSync(path.join(home, ".npmrc"), [...npmrc, "//acme.example/:_authToken=hush", ""].join("\n"));
  const pip = "[global]\nindex-url = https://ann:hush@index.example/simple\n";
  writeFileSync(path.join(home, ".config/pip/pip.conf"), pip);
  const git = '[url "https://ann:hush@git.example/"]\n insteadOf = gh:\n[include]\n path = more\n';
  writeFileSync(path.join(home, ".gitconfig"), git);
  writeFileSync(path.join(home, "more"), '[url "ssh://git@git.example:2222/"]\n insteadOf = work:\n');
  writeFileSync(path.join(project, ".npmrc"), "registry=https://evil.example/\n");
  return { place, home, project, cacheFolder: path.join(place, "cache"), env: { PATH: searchPath } };
}

async function ask(preset: PresetName, where: ReturnType<typeof makePlace>): Promise<PresetFacts> {
  const [facts] = await askPresets({ ...where, presets: [preset], exclude: [where.project] });
  if (facts === undefined) throw new Error(`no facts of ${preset}`);
  return facts;
}

test("the real npm is asked for the person's registries, and no password comes along", async () => {
  const facts = await ask("npm", makePlace());
  expect(facts.hosts.toSorted()).toEqual(["acme.example", "mirror.example:8443"]);
  expect(facts.environment).toMatchObject({
    npm_config_registry: "https://mirror.example:8443/",
    "npm_config_@acme:registry": "http://acme.example/",
  });
  expect(JSON.stringify(facts)).not.toContain("hush");
  expect(facts.problem).toBeUndefined();
});

test("the real git is asked for the person's rewrites, those of included files too", async () => {
  const where = makePlace();
  const facts = await ask("git", where);
  expect(facts.hosts).toEqual(expect.arrayContaining(["git.example", "git.example:2222"]));
  expect(Object.values(facts.environment)).toEqual(
    expect.arrayContaining([
      "url.https://git.example/.insteadOf",
      "url.ssh://git@git.example:2222/.insteadOf",
    ]),
  );
  expect(JSON.stringify(facts)).not.toContain("hush");
  // A file that only git could name is watched as well.
  writeFileSync(path.join(where.home, "more"), '[url "https://moved.example/"]\n insteadOf = work:\n');
  expect((await ask("git", where)).hosts).toContain("moved.example");
});

const hasPip = spawnSync("python3", ["-I", "-c", "import pip"]).status === 0;
test.runIf(hasPip)("the real pip is asked for the person's index", async () => {
  const facts = await ask("pip", makePlace());
  expect(facts.hosts[0]).toBe("index.example");
  expect(facts.environment["PIP_INDEX_URL"]).toBe("https://index.example/simple");
  expect(JSON.stringify(facts)).not.toContain("hush");
});

const hasApt = spawnSync("apt-get", ["--version"]).status === 0;
test.runIf(hasApt)("the real apt names the hosts of its sources", async () => {
  const facts = await ask("apt", makePlace());
  expect(facts).toMatchObject({ found: true, environment: {} });
  expect(facts.problem).toBeUndefined();
});

test.runIf(hasApt)("the real apt names them on a machine that has never downloaded its lists", async () => {
  const where = makePlace();
  const [state, sources] = [path.join(where.place, "state"), path.join(where.place, "sources.list")];
  mkdirSync(path.join(state, "lists/partial"), { recursive: true });
  writeFileSync(sources, "deb http://deb.example:8080/debian stable main\n");
  const settings = [
    `Dir::State "${state}";`,
    `Dir::Etc::sourcelist "${sources}";`,
    'Dir::Etc::sourceparts "-";',
  ];
  writeFileSync(path.join(where.place, "apt.conf"), settings.join("\n"));
  const env = { ...where.env, APT_CONFIG: path.join(where.place, "apt.conf") };
  expect((await ask("apt", { ...where, env })).hosts).toEqual(["deb.example:8080"]);
});

test("a project's .npmrc names no host, not even through npm run", async () => {
  const where = makePlace();
  const script = path.join(where.place, "ask.mjs");
  await build({
    absWorkingDir: root,
    stdin: {
      contents: `
        import { askPresets } from "./src/probe/presets.ts";
        const { env } = process;
        const request = { presets: ["npm"], env, home: env.HOME, cacheFolder: env.CACHE };
        const [facts] = await askPresets(request);
        console.log(JSON.stringify({ facts, handed: env.npm_config_registry }));`,
      resolveDir: root,
    },
    outfile: script,
    ...{ bundle: true, format: "esm", platform: "node", target: "node20" },
  });
  const scripts = { ask: `${process.execPath} ${script}` };
  writeFileSync(path.join(where.project, "package.json"), JSON.stringify({ name: "x", scripts }));
  const env = { PATH: searchPath, HOME: where.home, CACHE: where.cacheFolder };
  const run = spawnSync("npm", ["run", "--silent", "ask"], { cwd: where.project, env, encoding: "utf8" });
  const { facts, handed } = JSON.parse(run.stdout) as { facts: PresetFacts; handed: string };
  // The control: npm does hand the project's registry to the script.
  expect(handed).toBe("https://evil.example/");
  expect(facts.hosts.toSorted()).toEqual(["acme.example", "mirror.example:8443"]);
});
