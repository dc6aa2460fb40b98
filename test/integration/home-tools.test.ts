import { chmodSync, lchownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isRoot, lacking, type Person, persons, useHouse } from "../helpers/cell.ts";

const absent = lacking({ programs: ["python3"] });
const house = useHouse();

/** Neither below /tmp nor /var/tmp: a cell has folders of its own there. */
const parent = "/dev/shm";

const nvm = ".nvm/versions/node/v22.1.0";
const venv = ".local/share/pipx/venvs/shout";

const programs: Readonly<Record<string, string>> = {
  [`${nvm}/bin/greet`]: "#!/bin/sh\necho from nvm\n",
  [`${nvm}/lib/node_modules/pack/cli.sh`]: '#!/bin/sh\ncat "$(dirname "$(readlink -f "$0")")/data"\n',
  [`${nvm}/lib/node_modules/pack/data`]: "from a package\n",
  [`${venv}/pyvenv.cfg`]: "home = /usr/bin\n",
  [`${venv}/bin/shout`]: "#!HOME/.local/share/pipx/venvs/shout/bin/python\nimport words\nprint(words.said)\n",
  ".npm-global/bin/own": "#!/bin/sh\necho from npm -g\n",
};

const links: Readonly<Record<string, string>> = {
  [`${nvm}/bin/pack`]: "../lib/node_modules/pack/cli.sh",
  [`${venv}/bin/python`]: "/usr/bin/python3",
  ".local/bin/shout": "HOME/.local/share/pipx/venvs/shout/bin/shout",
};

/** Beside the tools, and readable by the person. */
const secrets = [
  ...[".npmrc", ".ssh/id_ed25519", `${nvm}/etc/npmrc`, ".local/share/keyrings/login"],
  ...[".npm-global/token", ".cargo/credentials.toml"],
];

function makeHome(person: Person, folder: string): string {
  const home = path.join(folder, `home-${person.uid}`);
  const text = (content: string) => content.replaceAll("HOME", home);
  const place = (name: string) => {
    mkdirSync(path.dirname(path.join(home, name)), { recursive: true });
    return path.join(home, name);
  };
  for (const [name, content] of Object.entries(programs)) {
    writeFileSync(place(name), text(content));
    chmodSync(path.join(home, name), 0o755);
  }
  writeFileSync(place(`${venv}/bin/words.py`), "said = 'from pipx'\n");
  for (const [name, to] of Object.entries(links)) symlinkSync(text(to), place(name));
  for (const name of secrets) writeFileSync(place(name), "secret\n");
  return home;
}

describe.skipIf(absent.length > 0).each(persons)("tools in the home, as $name", (person) => {
  let folder = "";
  let how: { cwd: string; env: Record<string, string> };

  beforeAll(() => {
    folder = mkdtempSync(path.join(parent, "workcell-tools-"));
    chmodSync(folder, 0o755);
    const home = makeHome(person, folder);
    if (isRoot) giveAway(home, person.uid);
    const folders = [`${nvm}/bin`, ".local/bin", ".npm-global/bin"].map((name) => path.join(home, name));
    const system = [path.dirname(process.execPath), "/usr/bin", "/bin"];
    how = { cwd: home, env: { HOME: home, PATH: [...folders, ...system].join(":") } };
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("run in the cell as they do outside, by their names", async () => {
    const command = ["bash", "-c", "greet; pack; shout; own"];
    const said = "from nvm\nfrom a package\nfrom pipx\nfrom npm -g\n";
    expect(await house.outside(person, command, how)).toMatchObject({ status: 0, stdout: said });
    expect(await house.inside(person, [], command, how)).toMatchObject({
      status: 0,
      stdout: said,
      stderr: "",
    });
  });

  test("cannot be written to; control: they can without a cell", async () => {
    const write = (name: string) => `touch ${how.cwd}/${name} 2>/dev/null && echo ${name}`;
    const names = [`${nvm}/bin/greet`, `${nvm}/lib/node_modules/new`, `${venv}/bin/shout`, ".local/bin/new"];
    const command = ["bash", "-c", `${names.map(write).join("\n")}\ntrue`];
    expect(await house.inside(person, [], command, how)).toMatchObject({ status: 0, stdout: "" });
    const { stdout } = await house.outside(person, command, how);
    expect(stdout.trim().split("\n")).toEqual(names);
  });

  test("bring no secret with them that lies beside them; control: it is readable without a cell", async () => {
    const read = secrets.map((name) => `cat ${how.cwd}/${name} 2>/dev/null`).join("; ");
    const command = ["bash", "-c", `${read}; ls -A ${how.cwd}`];
    const outside = await house.outside(person, command, how);
    expect(outside.stdout.match(/^secret$/gm)).toHaveLength(secrets.length);
    const { stdout } = await house.inside(person, [], command, how);
    expect(stdout.split("\n").filter(Boolean).sort()).toEqual([".local", ".npm-global", ".nvm"]);
  });

  test("stand in --explain with whose they are", async () => {
    const { stdout } = await house.outside(person, [house.workcell, "run", "--explain", "true"], how);
    const line = stdout.split("\n").find((one) => one.includes("your own programs, on PATH")) ?? "";
    expect(line).toContain("ro-bind");
    expect(stdout).toMatch(/lib\/node_modules .+ what programs in .+\/bin consist of/);
  });

  test("are not there when their folder is not on PATH", async () => {
    const bare = { ...how, env: { ...how.env, PATH: how.env["PATH"]?.split(":").slice(3).join(":") ?? "" } };
    const { stdout } = await house.inside(person, [], ["ls", "-A", how.cwd], bare);
    expect(stdout).toBe("");
  });
});

function giveAway(home: string, uid: number): void {
  const all = [home];
  for (const name of [...Object.keys({ ...programs, ...links }), ...secrets])
    for (let at = path.join(home, name); at !== home; at = path.dirname(at)) all.push(at);
  for (const file of new Set(all)) lchownSync(file, uid, uid);
}
