import { linkSync, symlinkSync, unlinkSync } from "node:fs";
import path from "node:path";
import { reading, settingsFile, writing } from "./settings-cases-shared.mjs";

/** @typedef {import("./settings-cases.mjs").Case} Case */

const secret = { "work/secret": "SECRET", "work/deep/secret": "SECRET" };

/** @type {readonly Case[]} */
const reads = [
  reading("2.1", "a file of the working directory", "cat plain", {
    files: { "work/plain": "SECRET" },
    settings: () => settingsFile({ allowWrite: [] }),
    required: "seen",
  }),
  reading("2.2", "denyRead of a file", "cat secret", {
    files: secret,
    settings: () => settingsFile({ denyRead: ["secret"] }),
  }),
  reading("2.3", "denyRead of a folder", "cat deep/secret; ls deep | sed s/^secret/SECRET/", {
    files: secret,
    settings: () => settingsFile({ denyRead: ["./deep"] }),
  }),
  reading("2.4", "what is written to a denied folder is not swallowed", "echo x >deep/new && echo SECRET", {
    files: secret,
    settings: () => settingsFile({ denyRead: ["deep"] }),
  }),
  reading("2.5", "allowRead in a denied folder", "cat deep/open/file", {
    files: { ...secret, "work/deep/open/file": "SECRET" },
    settings: () => settingsFile({ denyRead: ["deep"], allowRead: ["deep/open"] }),
    required: "seen",
  }),
  reading("2.6", "beside it, still denied", "cat deep/secret", {
    files: { ...secret, "work/deep/open/file": "" },
    settings: () => settingsFile({ denyRead: ["deep"], allowRead: ["deep/open"] }),
  }),
  reading(
    "2.7",
    "the nearer of two: denied in what is allowed in what is denied",
    "cat deep/open/shut/file",
    {
      files: { "work/deep/open/shut/file": "SECRET" },
      settings: () => settingsFile({ denyRead: ["deep", "deep/open/shut"], allowRead: ["deep/open"] }),
    },
  ),
  reading("2.8", "denyRead by a pattern, at any depth", "cat .env a/b/.env", {
    files: { "work/.env": "SECRET", "work/a/b/.env": "SECRET" },
    settings: () => settingsFile({ denyRead: ["**/.env"] }),
  }),
  reading("2.9", "a link to a denied file", "cat link", {
    files: secret,
    prepare: ({ work }) => symlinkSync("secret", path.join(work, "link")),
    settings: () => settingsFile({ denyRead: ["secret"] }),
  }),
  reading("2.10", "denyRead of a link denies what it leads to", "cat deep/secret", {
    files: secret,
    prepare: ({ work }) => symlinkSync("deep", path.join(work, "link")),
    settings: () => settingsFile({ denyRead: ["link"] }),
  }),
  reading("2.11", "a path that has a star in its name, by literal", "cat 'a*'; cat ab | tr S -", {
    files: { "work/a*": "SECRET", "work/ab": "SECRET" },
    settings: () => settingsFile({ denyRead: [{ path: "a*", literal: true }] }),
  }),
  reading("2.12", "the home's keys, which denyRead names by ~", 'cat "$KEYS"', {
    files: { "home/.ssh/key": "SECRET" },
    settings: () => settingsFile({ denyRead: ["~/.ssh"] }),
    script: "cat $(dirname $PWD)/home/.ssh/key 2>/dev/null; echo ended",
  }),
  reading("2.13", "the home's keys, which nothing names", "", {
    files: { "home/.ssh/key": "SECRET" },
    script: "cat $(dirname $PWD)/home/.ssh/key 2>/dev/null; echo ended",
  }),
  reading("2.14", "the working directory in a denied home, by allowRead", "cat plain", {
    files: { "work/plain": "SECRET" },
    settings: ({ folder }) => settingsFile({ denyRead: [folder], allowRead: ["."], allowWrite: [] }),
    required: "seen",
  }),
  reading("2.15", "denyRead of a folder of the system", "ls /usr/share/doc | head -1 | sed s/.*/SECRET/", {
    settings: () => settingsFile({ denyRead: ["/usr/share/doc"] }),
  }),
  reading("2.16", "the host's password hashes", "head -c1 /etc/shadow | sed s/.*/SECRET/"),
];

const repository = {
  "work/.git/HEAD": "ref: refs/heads/main\n",
  "work/.git/hooks/": "",
  "work/.git/config": "[core]\n",
};

/** Each name of the protected ones that is there already. */
const mandatory = [
  [".bashrc", "echo x >>.bashrc"],
  [".gitconfig", "echo x >>.gitconfig"],
  [".mcp.json", "echo x >>.mcp.json"],
  [".vscode/settings.json", "echo x >>.vscode/settings.json"],
  [".idea/x", "echo x >>.idea/x"],
  [".claude/commands/x", "echo x >>.claude/commands/x"],
  [".claude/agents/x", "echo x >>.claude/agents/x"],
];

/** What the host finds afterwards in a name that was not there. @param {string} name @returns {Case["answer"]} */
const appeared = (name) => (_, world) => (world.read(`work/${name}`) === undefined ? "not there" : "there");

/** @type {readonly Case[]} */
const writes = [
  writing("3.1", "in a folder of allowWrite", "echo x >new", {
    required: "done",
    answer: ({ stdout }, { read }) =>
      stdout.includes("DONE") && read("work/new") === "x\n" ? "done" : "refused",
  }),
  writing("3.2", "beside it, in the working directory", "echo x >new", {
    files: { "work/out/": "" },
    settings: () => settingsFile({ allowWrite: ["out"] }),
  }),
  writing("3.3", "in a folder of allowWrite below the working directory", "echo x >out/new", {
    files: { "work/out/": "" },
    settings: () => settingsFile({ allowWrite: ["./out/"] }),
    required: "done",
  }),
  writing("3.4", "in the home, which nothing names", "echo x >$(dirname $PWD)/home/new", {
    answer: (_, { read }) => (read("home/new") === undefined ? "refused" : "done"),
  }),
  writing("3.5", "in a folder of the system", "echo x >/usr/share/new"),
  writing("3.6", "denyWrite of a file beats allowWrite", "echo x >>kept", {
    files: { "work/kept": "" },
    settings: () => settingsFile({ denyWrite: ["kept"] }),
  }),
  writing("3.7", "denyWrite of a folder", "echo x >kept/new || rm -r kept || mv kept away", {
    files: { "work/kept/file": "" },
    settings: () => settingsFile({ denyWrite: ["kept"] }),
  }),
  writing("3.8", "renaming what a denied path lies in", "mv sub away", {
    files: { "work/sub/kept/file": "" },
    settings: () => settingsFile({ denyWrite: ["sub/kept"] }),
  }),
  writing("3.9", "denyWrite around a folder of allowWrite", "echo x >new", {
    settings: ({ folder }) => settingsFile({ denyWrite: [folder] }),
  }),
  {
    ...writing("3.10", "denyWrite of what is not there: after it", "echo x >.env"),
    settings: () => settingsFile({ denyWrite: [".env"] }),
    answer: appeared(".env"),
    required: "not there",
  },
  {
    ...writing("3.11", "denyWrite of what is not there, through a link laid on the way", ""),
    script: "mkdir evil; echo x >evil/x; ln -s evil conf; exit 0",
    settings: () => settingsFile({ denyWrite: ["conf/x"] }),
    answer: appeared("conf/x"),
    required: "not there",
  },
  writing("3.12", "through a link out of the folder", "echo x >out/new", {
    files: { "other/": "" },
    prepare: ({ folder, work }) => symlinkSync(path.join(folder, "other"), path.join(work, "out")),
    answer: (_, { read }) => (read("other/new") === undefined ? "refused" : "done"),
  }),
  writing(
    "3.13",
    "through a hard link to a file outside, made within",
    "ln ../other/file here && echo x >here",
    {
      files: { "other/file": "kept" },
      answer: (_, { read }) => (read("other/file") === "kept" ? "refused" : "done"),
    },
  ),
  writing("3.14", "a file that is denied under another name", "echo x >>alias", {
    files: { "work/real": "kept" },
    prepare: ({ work }) => {
      linkSync(path.join(work, "real"), path.join(work, "denied"));
      unlinkSync(path.join(work, "real"));
      symlinkSync("denied", path.join(work, "alias"));
    },
    settings: () => settingsFile({ denyWrite: ["denied"] }),
  }),
  ...mandatory.map(([name = "", command = ""], index) =>
    writing(`3.${15 + index}`, `protected, and there: ${name}`, command, { files: { [`work/${name}`]: "" } }),
  ),
  ...["sub/.bashrc", "a/b/.mcp.json"].map((name, index) =>
    writing(`3.${22 + index}`, `protected, there, and deeper: ${name}`, `echo x >>${name}`, {
      files: { [`work/${name}`]: "" },
    }),
  ),
  ...[".bashrc", ".mcp.json", ".vscode/tasks.json", ".claude/commands/x"].map((name, index) => ({
    ...writing(`3.${24 + index}`, `protected, and not there: ${name}`, ""),
    script: `mkdir -p $(dirname ${name}); echo x >${name}; exit 0`,
    answer: appeared(name),
    required: "not there",
  })),
  writing("3.28", "a git hook", "echo x >.git/hooks/pre-commit", { files: repository }),
  writing("3.29", "git's configuration", "git config core.pager evil || echo x >>.git/config", {
    files: repository,
  }),
  writing("3.30", "git's configuration, with allowGitConfig", "echo x >>.git/config", {
    files: repository,
    settings: () => settingsFile({ allowGitConfig: true }),
    required: "done",
  }),
  writing("3.31", "a git hook, with allowGitConfig", "echo x >.git/hooks/pre-commit", {
    files: repository,
    settings: () => settingsFile({ allowGitConfig: true }),
  }),
  writing(
    "3.32",
    "git itself works: add and commit",
    "git init -q . && echo x >f && git add f && git -c user.name=n -c user.email=e@e.e commit -qm m",
    {
      required: "done",
    },
  ),
  writing("3.33", "renaming .git", "mv .git away", { files: repository }),
];

export const fileCases = { reads, writes };
