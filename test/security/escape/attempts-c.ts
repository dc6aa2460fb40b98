import { type EscapeAttempt, group } from "./attempt.ts";

const everydayWork =
  "a project's own files are the work itself: they are marked for the person, and not refused";

/** Paths in a project that make a tool of the host's run something; `.git` is there, the others are not. */
const inProject: readonly (readonly [id: string, path: string, title: string])[] = [
  ["git-hook", ".git/hooks/pre-commit", "plant a git hook"],
  ["git-hooks-of-submodule", ".git/modules/sub/hooks/post-checkout", "plant a submodule's hook"],
  ["git-config-of-worktree", ".git/worktrees/side/config.worktree", "configure a worktree of git"],
  [
    "git-nested-hook",
    "deep/inside/.git/hooks/post-checkout",
    "plant a hook in a repository within the folder",
  ],
  ["git-file", "other/.git", "point git at another repository"],
  ["shell-start", ".bashrc", "plant a shell start-up file"],
  ["shell-profile", ".profile", "plant a login file"],
  ["direnv", ".envrc", "plant a file that direnv runs"],
  ["editor-tasks", ".vscode/tasks.json", "plant a task of an editor"],
  ["ide-settings", ".idea/workspace.xml", "configure an IDE"],
  ["dev-container", ".devcontainer/devcontainer.json", "describe a development container"],
  ["mcp-servers", ".mcp.json", "name an MCP server"],
  ["agent-hooks", ".claude/settings.json", "plant a hook of an agent"],
  ["agent-skill", ".claude/skills/x/SKILL.md", "plant a skill of an agent"],
];

/** What projects have as a matter of course: it is marked, and not held back. */
const everyday: readonly (readonly [id: string, path: string, title: string])[] = [
  ["package-scripts", "package.json", "write a package's scripts"],
  ["makefile", "Makefile", "write a Makefile"],
  ["conftest", "conftest.py", "write a file that pytest runs"],
  ["agent-instructions", "AGENTS.md", "write instructions for agents"],
  ["site-customize", "sitecustomize.py", "write a module that Python loads by itself"],
  ["fake-program", "git", "put a program of git's name into the folder"],
  ["git-attributes", ".git/info/attributes", "give git attributes that run a filter"],
  ["git-modules", ".gitmodules", "describe a submodule that runs a command"],
  ["npm-settings", ".npmrc", "configure npm"],
  ["yarn-settings", ".yarnrc.yml", "configure yarn"],
  ["pnpm-file", ".pnpmfile.cjs", "plant a file that pnpm runs"],
  ["cargo-settings", ".cargo/config.toml", "configure cargo"],
];

/** Paths in the person's home. */
const atHome: readonly (readonly [id: string, path: string, title: string])[] = [
  ["home-bashrc", ".bashrc", "add to the person's shell start-up"],
  ["home-profile", ".profile", "plant a login file at home"],
  ["home-ssh-keys", ".ssh/authorized_keys", "let somebody log in"],
  ["home-ssh-config", ".ssh/config", "configure ssh"],
  ["home-git-config", ".gitconfig", "configure git for the person"],
  ["home-npm-settings", ".npmrc", "configure npm for the person"],
  ["home-pip-settings", ".config/pip/pip.conf", "configure pip for the person"],
  ["home-cargo-settings", ".cargo/config.toml", "configure cargo for the person"],
  ["home-systemd-unit", ".config/systemd/user/x.service", "plant a unit of the person's systemd"],
  ["home-autostart", ".config/autostart/x.desktop", "plant a program that starts with the desktop"],
  ["home-program", ".local/bin/git", "plant a program on the person's PATH"],
  ["home-python-path", ".local/lib/python3/site-packages/x.pth", "plant a path file that Python runs"],
  ["home-agent-settings", ".claude/settings.json", "plant a hook of the person's agent"],
  ["home-workcell-settings", ".config/workcell/settings.json", "write settings of the sandbox itself"],
];

const planted = (root: string, place: string) => `return plant(at("${root}", "/${place}"));`;

const projects = group({ proof: "canary", refused: ["EROFS", "EACCES", "EPERM", "EBUSY", "ENOENT", "own"] }, [
  ...inProject.map(([id, place, title]) => ({
    id: `C.${id}` as const,
    title,
    c: planted("WORK", place),
    canary: `$WORK/${place}`,
  })),
  {
    id: "C.git-config",
    title: "set a program that git runs (core.fsmonitor)",
    c: 'return touch(open(at("WORK", "/.git/config"), O_WRONLY | O_APPEND));',
    canary: "$WORK/.git/config",
  },
  {
    id: "C.git-config-replaced",
    title: "put another file in the place of git's configuration",
    c: `const char *made = own_file();
          touch_file(made);
          return done(rename(made, at("WORK", "/.git/modules/sub/config")));`,
    canary: "$WORK/.git/modules/sub/config",
  },
  {
    id: "C.git-folder-replaced",
    title: "put another folder in the place of .git",
    c: `if (rename(at("WORK", "/second/.git"), at("WORK", "/second/.git-kept")) != 0) return errno;
          return plant(at("WORK", "/second/.git/hooks/post-merge"));`,
    canary: "$WORK/second/.git/hooks/post-merge",
  },
  {
    id: "C.pipe",
    title: "plant a pipe that a tool of the host's waits at",
    c: 'return done(mkfifo(at("WORK", "/README"), 0644));',
    proof: "call",
    open: "a pipe or a socket in a folder connected rw is what programs that run there speak through",
  },
  ...everyday.map(([id, place, title]) => ({
    id: `C.${id}` as const,
    title,
    c: planted("WORK", place),
    canary: `$WORK/${place}`,
    open: everydayWork,
  })),
]);

const system = ["cron.d", "profile.d", "ld.so.conf.d", "systemd/system", "sudoers.d", "bash_completion.d"];

const homes = group({ proof: "canary", refused: ["ENOENT", "EACCES", "EROFS", "own"] }, [
  ...atHome.map(([id, place, title]) => ({
    id: `C.${id}` as const,
    title,
    c: planted("PERSON_HOME", place),
    canary: `$PERSON_HOME/${place}`,
  })),
]);

const systems = group({ proof: "call", refused: ["EROFS", "EACCES", "ENOENT"], rootOnly: true }, [
  ...system.map((folder) => ({
    id: `C.system-${folder.replace(/\W|_/g, "-")}` as const,
    title: `plant a file in /etc/${folder}`,
    c: `return may_make_in("/etc/${folder}");`,
    vacuous: "this machine has no such folder",
  })),
  {
    id: "C.system-crontabs",
    title: "plant a table of cron's",
    c: 'return may_make_in("/var/spool/cron");',
    vacuous: "this machine has no such folder",
  },
  {
    id: "C.system-programs",
    title: "plant a program in /usr/local/bin",
    c: 'return may_make_in("/usr/local/bin");',
  },
]);

/** Variables that carry a secret in, or would have a program run what they name. */
const variables = [
  "AWS_SECRET_ACCESS_KEY",
  "SSH_AUTH_SOCK",
  "GIT_SSH_COMMAND",
  "PYTHONSTARTUP",
  "BASH_ENV",
  "ENV",
];

const environment = group({ proof: "secret", refused: ["ENOENT", "own"] }, [
  ...variables.map((name) => ({
    id: `C.env-${name.toLowerCase().replaceAll("_", "-")}` as const,
    title: `read the person's ${name}`,
    c: `const char *value = getenv("${name}");
        if (value == NULL) return ENOENT;
        return write(1, value, strlen(value)) < 0 ? errno : 0;`,
  })),
  {
    id: "C.env-of-launcher",
    title: "read the environment of whoever started the command",
    c: 'char path[64]; snprintf(path, sizeof path, "/proc/%s/environ", given("LAUNCHER")); return tell_file(path);',
    refused: ["EACCES", "EPERM", "ENODATA", "own"],
  },
]);

/** C. Persistence on the host. */
export const persistenceAttempts: readonly EscapeAttempt[] = [
  ...projects,
  ...homes,
  ...systems,
  ...environment,
];
