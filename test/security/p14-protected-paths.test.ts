import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { isRoot, lacking, type Person, people, useHouse } from "../helpers/cell.ts";
import { snapshot } from "../helpers/tree.ts";

const absent = lacking({ programs: ["git"] });
const house = useHouse();

/** One of each family, at the top and below; what is there already and what is not. */
const planted = [
  ".git/config",
  ".git/config.worktree",
  ".git/hooks/pre-commit",
  ".git/hooks/deep/er/file",
  ".git/modules/sub/config",
  ".git/modules/a/b/hooks/post-checkout",
  ".git/worktrees/side/hooks/x",
  "sub/folder/.git/hooks/pre-push",
  "node_modules/pack/.git/hooks/pre-push",
  "other/.git",
  ".husky/pre-commit",
  ".bashrc",
  "sub/.profile",
  ".ENVRC",
  ".vscode/tasks.json",
  "sub/.idea/workspace.xml",
  "x.code-workspace",
  ".mcp.json",
  ".claude/settings.json",
  ".config/fish/config.fish",
  ".workcell.json",
];

/** Ways that lead to a protected place without writing to it. */
const ways: readonly (readonly [name: string, act: string, place: string])[] = [
  [
    "move the folder above away",
    "mv .git kept && mkdir -p .git/hooks && echo >.git/hooks/post-merge",
    ".git/hooks/post-merge",
  ],
  [
    "rename a folder into place",
    "mkdir -p made/hooks && echo >made/hooks/x && mkdir -p n && mv made n/.git",
    "n/.git/hooks/x",
  ],
  ["lay a link in place", "mkdir links && ln -s /etc links/.vscode", "links/.vscode"],
  ["lay a link to git's own place", "mkdir gits && mkdir gits/away && ln -s away gits/.git", "gits/.git"],
  ["link a file into place", "echo >plain && mkdir hard && ln plain hard/.bashrc", "hard/.bashrc"],
  ["spell it in another way", "mkdir -p spelt/.Git/HOOKS && echo >spelt/.Git/HOOKS/x", "spelt/.Git/HOOKS/x"],
  [
    "hide it from its owner",
    "mkdir -p shut/.vscode && echo >shut/.vscode/x && chmod 0 shut/.vscode shut",
    "shut",
  ],
  [
    "nest it deeply",
    `d=$(printf 'd/%.0s' $(seq 150)) && mkdir -p "$d" && echo >"$d/.zshrc"`,
    `${"d/".repeat(150)}.zshrc`,
  ],
  [
    "make a repository of a plain folder",
    "mkdir -p bare/objects bare/refs && echo ref: refs/heads/x >bare/HEAD && printf '[core]\\n\\tfsmonitor = x\\n' >bare/config",
    "bare/config",
  ],
];

let made = 0;
function makeProject({ uid }: Person): string {
  made += 1;
  const folder = house.makeFolder(`project-${made}`, uid);
  execFileSync("git", ["init", "-q", folder]);
  writeFileSync(path.join(folder, ".mcp.json"), "{}\n");
  mkdirSync(path.join(folder, ".claude"));
  writeFileSync(path.join(folder, ".claude/settings.json"), "{}\n");
  if (isRoot && uid !== 0) execFileSync("chown", ["-R", `${uid}:${uid}`, folder]);
  chownSync(folder, uid, uid);
  return folder;
}

const plant = (place: string) =>
  `{ mkdir -p "$(dirname '${place}')" && echo planted >'${place}'; } 2>/dev/null`;
const isPlanted = (folder: string, place: string) => {
  const file = path.join(folder, place);
  return existsSync(file) && readFileSync(file, "latin1").includes("planted");
};

describe.skipIf(absent.length > 0).each(people)(
  "P14: protected paths of a folder connected rw, as $name",
  (person) => {
    test("nothing planted stands there when the command is over, control: without a cell all of it does", async () => {
      const [folder, control] = [makeProject(person), makeProject(person)];
      const before = snapshot(path.join(folder, ".claude"));
      const script = planted.map(plant).join("\n");
      const ended = await house.inside(person, ["-m", `${folder}:rw`], ["sh", "-c", script]);
      expect(planted.filter((place) => isPlanted(folder, place))).toEqual([]);
      expect(snapshot(path.join(folder, ".claude"))).toEqual(before);
      expect(ended.stderr).toContain(`refused write "${folder}/.bashrc" (files: `);
      await house.outside(person, ["sh", "-c", script], { cwd: control });
      expect(planted.filter((place) => !isPlanted(control, place))).toEqual([]);
    });

    test.each(ways)("%s: refused, control: it works without a cell", async (_, act, place) => {
      const [folder, control] = [makeProject(person), makeProject(person)];
      await house.outside(person, ["sh", "-ec", act], { cwd: control });
      const there = (root: string) =>
        execFileSync("sh", ["-c", `ls -d "$0" || true`, path.join(root, place)], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        }).trim();
      expect(there(control)).toBe(path.join(control, place));
      await house.inside(person, ["-m", `${folder}:rw`], ["sh", "-ec", act]);
      if (place === "shut") expect(there(path.join(folder, "shut/.vscode/x"))).toBe("");
      else expect(there(folder)).toBe("");
    });

    test("what stood there and was replaced stands there again", async () => {
      const folder = makeProject(person);
      const config = path.join(folder, ".git/config");
      const before = readFileSync(config, "utf8");
      const act = "mv .git kept && cp -R kept .git && printf '[core]\\n\\tfsmonitor = x\\n' >.git/config";
      const ended = await house.inside(person, ["-m", `${folder}:rw`], ["sh", "-ec", act]);
      expect([ended.status, readFileSync(config, "utf8")]).toEqual([0, before]);
      expect(ended.stderr).toContain(`refused write "${config}"`);
    });
  },
);
