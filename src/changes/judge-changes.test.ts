import { expect, test } from "vitest";
import { type MemoryEntry, type MemoryTree, memoryFiles } from "../../test/helpers/memory-files.ts";
import type { BytePath } from "../model/index.ts";
import { judgeChanges } from "./judge-changes.ts";
import { readJudgingFacts } from "./judging-facts.ts";
import { readChanges } from "./read-changes.ts";

interface Case {
  readonly layer: MemoryTree;
  readonly folder?: MemoryTree;
  readonly mode?: "review" | "auto";
  readonly named?: readonly BytePath[];
  readonly folderPath?: string;
}

/** Every change that is not plain: its path to its class, with the reason when `reasons` is asked for. */
async function judge({ layer, folder = {}, mode = "review", named = [], folderPath = "/work/p" }: Case) {
  const server = memoryFiles(layer, folder);
  const roots = { server, layer: 0, folder: 1 };
  const changes = await readChanges({ ...roots, baseTimeNs: 100n, known: new Map() });
  const facts = await readJudgingFacts({ ...roots, changes, mode, folderPath });
  return judgeChanges(changes, { mode, namedByPerson: named, facts, folderPath });
}

async function classes(input: Case): Promise<Record<string, string>> {
  const judged = await judge(input);
  return Object.fromEntries(
    judged.filter((each) => each.class !== "plain").map((each) => [each.path, each.class]),
  );
}

const program: MemoryEntry = { content: "#!/bin/sh\nevil\n", mode: 0o755 };
const evil = "[core]\n\tfsmonitor = ./evil\n";
const fresh =
  '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n[remote "origin"]\n\turl = https://example.org/x.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch "main"]\n\tremote = origin\n\tmerge = refs/heads/main\n';

async function refusedAlone(paths: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if ((await classes({ layer: { [path]: program } }))[path] === "refused") found.push(path);
  }
  return found;
}

test("judgeChanges() refuses at any depth, whether the path exists or not, what acts by being there", async () => {
  const paths = [
    ".git/hooks/post-commit",
    "deep/er/.git/hooks/pre-push",
    ".git/modules/lib/sub/hooks/update",
    ".git/modules/lib/config",
    ".git/worktrees/w/config.worktree",
    "sub/.git",
    ".bashrc",
    "a/.zshenv",
    ".envrc",
    ".vscode/tasks.json",
    "x/.vscode/deep/settings.json",
    "p.code-workspace",
    ".idea/workspace.xml",
    ".mcp.json",
    ".claude/settings.json",
    ".cursor/mcp.json",
    ".devcontainer/devcontainer.json",
    ".workcell.json",
    ".config/systemd/user/x.service",
    ".config/autostart/x.desktop",
    ".ssh/authorized_keys",
    ".husky/pre-commit",
  ];
  expect(await refusedAlone(paths)).toEqual(paths);
});

test("judgeChanges() knows a protected name in every spelling that some file system takes for it", async () => {
  const utf8 = (text: string) => Buffer.from(text).toString("latin1");
  const paths = [
    ".GIT/Hooks/post-commit",
    ".git./hooks/post-commit",
    ".git /hooks /post-commit",
    "git~1/hooks/x",
    ".git::$INDEX_ALLOCATION/hooks/x",
    utf8(".g\u200cit/hooks/x"),
    utf8("\uff0egit/config"),
    utf8(".VSCODE\ufeff/tasks.json"),
    ".BashRC.",
    "a\\.git\\hooks\\x",
    "a:b.code-workspace",
    "a:profile.ps1",
    ".git::$DATA/x:y/hooks/z",
  ];
  expect(await refusedAlone(paths)).toEqual(paths);
});

test("judgeChanges() lets through what only looks like a protected name", async () => {
  const layer = {
    ".github/ISSUE_TEMPLATE.md": "x",
    ".gitignore": "x",
    "git/hooks/x": "x",
    "src/hooks/use-it.ts": "x",
    "src/config": "x",
    ".git/index": "x",
    ".git/objects/ab/cdef": "x",
    ".git/refs/heads/hooks": `${"a1".repeat(20)}\n`,
    ".git/refs/heads/config": `${"a1".repeat(20)}\n`,
    "vscode/tasks.json": "x",
    bashrc: "x",
    node: "no execute bit",
    ".vscode": { type: "directory" } as const,
  };
  expect(await classes({ layer })).toEqual({});
});

test("judgeChanges() marks what acts when the project is built, tested or given to an agent", async () => {
  const layer = {
    "package.json": "{}",
    "sub/Makefile": "all:",
    "tests/conftest.py": "",
    "AGENTS.md": "x",
    ".npmrc": "x",
    "bin/git": program,
    "vite.config.ts": "x",
    ".github/workflows/ci.yml": "x",
    ".git/rebase-merge/git-rebase-todo": "exec evil",
    out: { target: "../../etc/passwd" },
    in: { target: "./sub/Makefile" },
    suid: { content: "x", mode: 0o4755 },
  };
  const judged = await classes({ layer });
  expect(judged).toEqual(
    Object.fromEntries(
      Object.keys(layer)
        .filter((path) => path !== "in")
        .map((path) => [path, "marked"]),
    ),
  );
});

test("judgeChanges() lets a new repository through whose configuration is harmless, and its sample hooks", async () => {
  const repository = {
    HEAD: "ref: x",
    "objects/info": "",
    "refs/heads": "",
    "hooks/pre-commit.sample": program,
  };
  const below = (folder: string, config: string): MemoryTree =>
    Object.fromEntries(
      Object.entries({ ...repository, config }).map(([path, said]) => [`${folder}/${path}`, said]),
    );
  const layer = {
    ...below("a/.git", fresh),
    ...below("b/.git", evil),
    ...below("c.git", fresh),
    ...below("d.git", evil),
  };
  expect(await classes({ layer })).toEqual({ "b/.git/config": "refused", "d.git/config": "refused" });
  expect(await classes({ layer: { ".git/config": fresh }, folder: { ".git/config": "[core]\n" } })).toEqual({
    ".git/config": "refused",
  });
});

test("judgeChanges() refuses hooks of repositories without a .git, and what completes one", async () => {
  const bare = { "r/HEAD": "x", "r/objects/x": "", "r/refs/x": "" };
  expect(await classes({ layer: { "r/hooks/update": program }, folder: bare })).toEqual({
    "r/hooks/update": "refused",
  });
  expect(await classes({ layer: bare, folder: { "r/config": evil } })).toEqual({
    "r/HEAD": "refused",
    "r/objects": "refused",
    "r/refs": "refused",
  });
  expect(await classes({ layer: bare })).toEqual({});
});

test("judgeChanges() refuses a repository without a .git that comes in steps", async () => {
  const two = { "r/HEAD": "x", "r/objects/x": "" };
  expect(await classes({ layer: { "r/config": evil, "r/hooks/x": program }, folder: two })).toEqual({
    "r/config": "refused",
    "r/hooks/x": "refused",
  });
  expect(await classes({ layer: { "r/HEAD": "x" }, folder: { "r/config": evil, "r/refs/x": "" } })).toEqual({
    "r/HEAD": "refused",
  });
  expect(await classes({ layer: { "r/HEAD": "x", "r/commondir": "x" } })).toEqual({
    "r/commondir": "refused",
  });
  expect(await classes({ layer: { "src/config/x": "x", "src/objects/x": "x", "src/hooks/x": "x" } })).toEqual(
    {},
  );
});

test("judgeChanges() refuses another way to the host's hooks, and what its configuration includes", async () => {
  const config = "[core] hooksPath = tools/hooks ; ours\n[include]\n\tpath = ../shared/git\n";
  const folder = { ".git/config": config, "shared/git": "[core]\nhooksPath = more/hooks\n" };
  expect(await classes({ layer: { "shared/git": "x", tools: { target: "y" } }, folder })).toEqual({
    "shared/git": "refused",
    tools: "refused",
  });
  // A later file wins; in doubt, all that are named are the host's.
  expect(await classes({ layer: { "more/hooks/x": "x", "tools/hooks": { target: "y" } }, folder })).toEqual({
    "more/hooks/x": "refused",
    "tools/hooks": "refused",
  });
  const linked = { ".git/config": config, tools: { target: "./real" }, "real/hooks/a": "x" };
  expect(await classes({ layer: { "real/hooks/x": "x", "real/y": "x" }, folder: linked })).toEqual({
    "real/hooks/x": "refused",
  });
});

test("judgeChanges() refuses the folder that the host's own repository takes hooks from", async () => {
  const folder = { ".git/config": "[core]\n\thooksPath = ./tools/hooks\n" };
  expect(await classes({ layer: { "tools/hooks/pre-commit": program, "tools/x": "x" }, folder })).toEqual({
    "tools/hooks/pre-commit": "refused",
  });
});

test("judgeChanges() lets a .git file through that points into the same folder's .git, and no other", async () => {
  const layer = {
    "lib/.git": "gitdir: ../.git/modules/lib\n",
    "tree/.git": "gitdir: /work/p/.git/worktrees/tree\n",
    ".git/worktrees/tree/commondir": "../..\n",
    "one/.git": "gitdir: ../evil\n",
    "two/.git": "gitdir: ../../.git/modules/x\n",
    "three/.git": "gitdir: /work/other/.git/worktrees/tree\n",
    "four/.git": { target: "../evil" },
  };
  expect(await classes({ layer })).toEqual({
    "one/.git": "refused",
    "two/.git": "refused",
    "three/.git": "refused",
    "four/.git": "refused",
  });
});

test("judgeChanges() refuses what could be a repository anywhere below a .git, and pointers to it", async () => {
  const refused = {
    ".git/modules/config": "[core]\n\tworktree = ../../sub\n\tfsmonitor = /evil\n",
    ".git/modules/hooks/x": program,
    ".git/worktrees/a/b/config": evil,
    ".git/worktrees/a/b/hooks/post-checkout": program,
    ".git/x/y/config.worktree": fresh,
    ".git/x/config": fresh,
    ".git/worktrees/a/commondir": "../../../evil\n",
    ".git/worktrees/a/b/commondir": "../..\n",
    ".git/worktrees/a/gitdir": "/elsewhere/.git\n",
    ".git/info/attributes": "* filter=x",
    ".git/refs/heads/config": evil,
    ".git/refs/heads/hooks/update": { content: `${"a1".repeat(20)}\n`, mode: 0o755 },
    "one/.git": "gitdir: ../.git/modules\n",
    "two/.git": "gitdir: ../.git/worktrees/a/b\n",
    "three/.git": "gitdir: /work/p/.git\n",
    "four/.git": "gitdir: ../.git/refs/heads\n",
    "five/.git": "gitdir: ../x/.git/modules/.git/modules/y\n",
  };
  const layer = {
    ...refused,
    ".git/modules/HEAD": "x",
    ".git/modules/objects": { type: "directory" } as const,
  };
  expect(await classes({ layer })).toEqual(
    Object.fromEntries(Object.keys(refused).map((path) => [path, "refused"])),
  );
  const gone = { ".git/worktrees/t/gitdir": "/work/p/t/.git\n", ".git/modules/a/config": fresh };
  expect(await classes({ layer: gone })).toEqual({});
});

test("judgeChanges() refuses a pointer that leads through a symlink", async () => {
  const layer = { "t/.git": "gitdir: ../x/.git/worktrees/t\n" };
  expect(await classes({ layer, folder: { x: { target: "/elsewhere" } } })).toEqual({ "t/.git": "refused" });
  expect(await classes({ layer, folder: { "x/.git/worktrees/t/HEAD": "x" } })).toEqual({});
});

test("judgeChanges() refuses a symlink through which a protected path would appear", async () => {
  const layer = {
    ".git/hooks": { target: "../evil" },
    ".config/fish": { target: "../x" },
    ".vscode": { target: "y" },
  };
  expect(await classes({ layer })).toEqual({
    ".git/hooks": "refused",
    ".config/fish": "refused",
    ".vscode": "refused",
  });
  expect(await classes({ layer: { ".config": { target: "elsewhere" } } })).toEqual({ ".config": "refused" });
});

test("judgeChanges() refuses to take a protected path away", async () => {
  const folder = { ".git/hooks/pre-commit": "x", "old/file": "x" };
  expect(await classes({ folder, layer: { ".git": { whiteout: true } } })).toEqual({ ".git": "refused" });
  expect(await classes({ folder, layer: { ".git/hooks/pre-commit": { whiteout: true } } })).toEqual({
    ".git/hooks/pre-commit": "refused",
  });
  expect(await classes({ folder, layer: { old: { whiteout: true } } })).toEqual({});
});

test("judgeChanges() marks instead of refusing inside trees of dependencies, but never git's own", async () => {
  const layer = {
    "node_modules/x/.vscode/settings.json": "x",
    "node_modules/x/.git/config": evil,
    "v/lib/python3.11/site-packages/y/.envrc": "x",
    "mine/pyvenv.cfg": "what the session made is no environment",
    "mine/lib/z/.idea/a.xml": "x",
    "venv/.envrc": "x",
    "standing/lib/z/.idea/a.xml": "x",
    "standing/.idea/a.xml": "x",
  };
  expect(await classes({ layer, folder: { "standing/pyvenv.cfg": "x" } })).toEqual({
    "node_modules/x/.vscode/settings.json": "marked",
    "node_modules/x/.git/config": "refused",
    "v/lib/python3.11/site-packages/y/.envrc": "marked",
    "mine/lib/z/.idea/a.xml": "refused",
    "venv/.envrc": "refused",
    "standing/lib/z/.idea/a.xml": "marked",
    "standing/.idea/a.xml": "refused",
  });
});

test("judgeChanges() refuses links to what Workcell keeps, and lets in auto no link lead out unasked", async () => {
  const layer = {
    absolute: { target: "/home/a/.local/state/workcell/sessions/x" },
    "d/relative": { target: "../../../.local/state/x/../workcell/sessions/x/upper" },
    above: { target: "../../.local/state/workcell" },
    out: { target: "/usr" },
    in: { target: "workcell/sessions/x" },
  };
  const sessions = { absolute: "refused", "d/relative": "refused", above: "refused" };
  const input = { layer, folderPath: "/home/a/w/p" };
  expect(await classes(input)).toEqual({ ...sessions, out: "marked" });
  expect(await classes({ ...input, mode: "auto" })).toEqual({ ...sessions, out: "waiting" });
  expect(await classes({ ...input, mode: "auto", named: ["out"] })).toEqual({ ...sessions, out: "marked" });
});

test("judgeChanges() holds back in auto what gives others more rights", async () => {
  const folder = { more: { content: "x", mode: 0o600 }, fewer: { content: "x", mode: 0o644 } };
  const layer = { more: { content: "x", mode: 0o640 }, fewer: { content: "x", mode: 0o700 } };
  expect(await classes({ folder, layer, mode: "auto" })).toEqual({ more: "waiting" });
  expect(await classes({ folder, layer })).toEqual({});
});

test("judgeChanges() takes a name for consent only when it reaches into what is protected", async () => {
  const layer = { "a/.vscode/tasks.json": "x", ".git/hooks/x": program };
  const by = async (...named: string[]) => Object.values(await classes({ layer, named }));
  expect(await by("", "a", ".git")).toEqual(["refused", "refused"]);
  expect(await by("a/.vscode", ".git/hooks")).toEqual(["marked", "marked"]);
  expect(await by("a/.vscode/tasks.json")).toEqual(["refused", "marked"]);
});

test("judgeChanges() protects a connected folder that lies in a protected place itself", async () => {
  expect(await classes({ layer: { "tasks.json": "x" }, folderPath: "/home/a/p/.vscode" })).toEqual({
    "tasks.json": "refused",
  });
});

test("judgeChanges() holds back in auto what cannot be typed again, and nothing in review", async () => {
  const folder = { gone: "x", emptied: "x", picture: "\0\0", text: "x", tree: "x", empty: "" };
  const layer = {
    gone: { whiteout: true },
    emptied: "",
    picture: "\0\0\0",
    text: "y",
    tree: { type: "directory" } as const,
    empty: "z",
  };
  const waiting = { gone: "waiting", emptied: "waiting", picture: "waiting", tree: "waiting" };
  expect(await classes({ folder, layer, mode: "auto" })).toEqual(waiting);
  expect(
    await classes({ folder, layer, mode: "auto", named: ["gone", "emptied", "picture", "tree"] }),
  ).toEqual({});
  expect(await classes({ folder, layer })).toEqual({});
});

test("judgeChanges() carries no sockets, pipes and devices over, and says every reason", async () => {
  const judged = await judge({
    layer: { sock: { type: "socket" }, "package.json": { content: "x", mode: 0o2644 } },
  });
  expect(judged.map(({ class: as, reason }) => [as, reason])).toEqual([
    ["marked", "a package manager takes scripts, sources or programs from it; its set-id bits are stripped"],
    ["refused", "a socket is not carried over"],
  ]);
});

test("judgeChanges() sees nothing behind a link of the host's where the session has a folder", async () => {
  const made = { type: "directory", opaque: true } as const;
  const folder = { venv: { target: "src" }, "src/pyvenv.cfg": "", r: { target: "src" }, "src/HEAD": "" };
  const layer = {
    ...{ venv: made, "venv/lib/.envrc": "evil", r: made, "r/config": evil },
    ...{ a: { target: "venv" }, "sub/.git": "gitdir: ../a/.git/modules/x\n" },
  };
  expect(await classes({ layer, folder })).toEqual({ "venv/lib/.envrc": "refused", "sub/.git": "refused" });
});
