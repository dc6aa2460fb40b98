import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { lacking, type Person, persons, useHouse } from "../helpers/cell.ts";

const absent = lacking({ programs: ["git"] });
const house = useHouse();

/** Something that the host's git runs by what a folder says, and that a cell may not come to write. */
interface Way {
  readonly name: string;
  /** What the person has there, in a fresh repository with one commit. */
  readonly have: string;
  /** What commands do there, each in a cell of its own. `$evil` is a program that leaves a file `ran`. */
  readonly acts: readonly string[];
  /** What the person asks of git afterwards. */
  readonly ask: string;
  /** The folder of the repository that is connected; absent: all of it. */
  readonly part?: string;
}

const evilConfig = (file: string) => `printf '[core]\\n\\tfsmonitor = %s\\n' "$evil" >${file}`;
const evilHook = (file: string) => `printf '#!/bin/sh\\n%s\\n' "$evil" >${file}; chmod 755 ${file}`;
const submodule = `git init -q other; git -C other commit -q --allow-empty -m o
  git -c protocol.file.allow=always submodule --quiet add ./other sub`;

const ways: readonly Way[] = [
  {
    name: "an included configuration",
    have: "echo >team.conf; git config include.path ../team.conf",
    acts: [evilConfig("team.conf")],
    ask: "git status",
  },
  {
    name: "an included configuration that is not there yet",
    have: "git config include.path ../late/team.conf",
    acts: [`mkdir late; ${evilConfig("late/team.conf")}`],
    ask: "git status",
  },
  {
    name: "what is included under a condition by what is included",
    have: "printf '[includeIf \"gitdir:**\"]\\n\\tpath = b.conf\\n' >a.conf; git config include.path ../a.conf",
    acts: [evilConfig("b.conf")],
    ask: "git status",
  },
  {
    name: "what is included through a link",
    have: "mkdir real; echo >real/c; ln -s real way; git config include.path ../way/c",
    acts: [`rm way; mkdir way; ${evilConfig("way/c")}`],
    ask: "git status",
  },
  {
    name: "what a submodule's configuration includes",
    have: `${submodule}; git -C sub config include.path ../../../sub.conf`,
    acts: [evilConfig("sub.conf")],
    ask: "git -C sub status",
  },
  {
    name: "hooks of a worktree, which the repository's configuration has beside its files",
    have: "git config core.hooksPath tools/hooks; git worktree add -q tree",
    acts: [`mkdir -p tree/tools/hooks; ${evilHook("tree/tools/hooks/pre-commit")}`],
    ask: "git -C tree commit -q --allow-empty -m x",
  },
  {
    name: "a script of the project that the configuration filters through",
    have: "mkdir tools; echo cat >tools/clean.sh; git config filter.f.clean 'sh tools/clean.sh'; echo 'file filter=f' >.gitattributes",
    acts: ['echo "$evil" >tools/clean.sh'],
    ask: "echo new >file; git add file",
  },
  {
    name: "hooks in each repository, which the person's own configuration has there",
    have: "git config --global core.hooksPath tools/hooks",
    acts: [`mkdir -p tools/hooks; ${evilHook("tools/hooks/pre-commit")}`],
    ask: "git commit -q --allow-empty -m x",
  },
  {
    name: "what the person's own configuration includes by its whole path, by way of another",
    have: 'printf "[include]\\n\\tpath = $PWD/own.conf\\n" >~/.more; git config --global include.path .more',
    acts: [evilConfig("own.conf")],
    ask: "git status",
  },
  {
    name: "hooks in a folder of the repository that is connected alone",
    have: "mkdir part; git config core.hooksPath part/hooks",
    acts: [`mkdir hooks; ${evilHook("hooks/pre-commit")}`],
    ask: "git commit -q --allow-empty -m x",
    part: "part",
  },
  {
    name: "configuration of the place that a file .git points to",
    have: "git init -q --separate-git-dir store plain; rm store/config",
    acts: [evilConfig("store/config")],
    ask: "git -C plain status",
  },
  {
    name: "a repository in halves: first what acts, then what makes it one",
    have: ":",
    acts: [
      `mkdir -p half/hooks; ${evilHook("half/hooks/reference-transaction")}`,
      "cd half; mkdir objects refs; echo 'ref: refs/heads/x' >HEAD",
    ],
    ask: "cd half; git update-ref refs/tags/x $(echo x | git hash-object -w --stdin)",
  },
  {
    name: "a repository in halves: first what makes it one, then what acts",
    have: ":",
    acts: [
      "mkdir half; cd half; mkdir objects refs; echo 'ref: refs/heads/x' >HEAD",
      `mkdir half/hooks; ${evilHook("half/hooks/reference-transaction")}`,
    ],
    ask: "cd half; git update-ref refs/tags/x $(echo x | git hash-object -w --stdin)",
  },
  {
    name: "the folders last: a host's half is made whole",
    have: `mkdir -p half/hooks; echo 'ref: refs/heads/x' >half/HEAD; ${evilHook("half/hooks/reference-transaction")}`,
    acts: ["mkdir half/objects half/refs"],
    ask: "cd half; git update-ref refs/tags/x $(echo x | git hash-object -w --stdin)",
  },
];

/** What the last one made the person's own configuration say. */
function forgetOwn(person: Person): void {
  for (const name of [".gitconfig", ".more"]) rmSync(path.join(house.home(person), name), { force: true });
}

let made = 0;
async function makeProject(person: Person, { have }: Way) {
  made += 1;
  forgetOwn(person);
  const folder = house.makeFolder(`git-${made}`, person.uid);
  const env = { evil: `touch ${folder}/ran; :` };
  const begin =
    "git init -q -b main .; git config user.name me; git config user.email me@example; echo one >file; git add file; git commit -qm one";
  const { status, stderr } = await house.outside(person, ["sh", "-ec", `${begin}\n${have}`], {
    cwd: folder,
    env: { ...env, ...author },
  });
  expect([status, stderr]).toEqual([0, ""]);
  return { folder, env };
}

const author = {
  GIT_AUTHOR_NAME: "me",
  GIT_AUTHOR_EMAIL: "me@example",
  GIT_COMMITTER_NAME: "me",
  GIT_COMMITTER_EMAIL: "me@example",
};

describe.skipIf(absent.length > 0).each(persons)("P14: what the host's git is led to, as $name", (person) => {
  const ask = async (folder: string, way: Way) => {
    await house.outside(person, ["sh", "-c", way.ask], { cwd: folder, env: author });
    return existsSync(path.join(folder, "ran"));
  };

  afterEach(() => forgetOwn(person));

  test.each(ways)("$name: neither live nor applied, control: git runs it", async (way) => {
    const at = ({ folder }: { readonly folder: string }) => path.join(folder, way.part ?? "");
    const control = await makeProject(person, way);
    for (const act of way.acts)
      await house.outside(person, ["sh", "-ec", act], { cwd: at(control), env: control.env });
    expect(await ask(control.folder, way)).toBe(true);

    const live = await makeProject(person, way);
    for (const act of way.acts)
      await house.inside(person, ["-m", `${at(live)}:rw`, "-e", `evil=${live.env.evil}`], ["sh", "-c", act]);
    expect(await ask(live.folder, way)).toBe(false);

    const reviewed = await makeProject(person, way);
    for (const act of way.acts) {
      const flags = ["-m", at(reviewed), "-e", `evil=${reviewed.env.evil}`];
      await house.inside(person, flags, ["sh", "-c", act]);
      await house.outside(person, [house.workcell, "apply"], { cwd: at(reviewed) });
    }
    expect(await ask(reviewed.folder, way)).toBe(false);
  });

  test("what is put back names again what the one in its stead did not", async () => {
    const way = { ...(ways[0] as Way), have: "mkdir c; echo >c/d; git config include.path ../c/d" };
    const { folder, env } = await makeProject(person, way);
    const act = `mv .git kept; cp -R kept .git; git config -f .git/config --unset include.path; mv c old; mkdir c; ${evilConfig("c/d")}`;
    const { stderr } = await house.inside(
      person,
      ["-m", `${folder}:rw`, "-e", `evil=${env.evil}`],
      ["sh", "-c", act],
    );
    expect(stderr).toContain(`refused write "${folder}/c/d"`);
    expect(await ask(folder, way)).toBe(false);
  });
});
