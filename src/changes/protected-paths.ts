/** What is done about a path: not applied unless the person names it, or applied and pointed out. */
export type ProtectedClass = "refused" | "marked";

export interface ProtectedPath {
  /**
   * Parts that must follow one another at any depth, in lower case; `*` stands for anything within a part. With a
   * slash at the end: all that lies below. Without: what has this very name.
   */
  readonly pattern: string;
  readonly class: ProtectedClass;
  /** What the path could make a host's program do. */
  readonly reason: string;
  /** Only files with an execute bit. */
  readonly executable?: true;
  /** No dependency holds this: refused inside dependency trees as well. */
  readonly everywhere?: true;
}

type Family = readonly [
  reason: string,
  patterns: string,
  extra?: Pick<ProtectedPath, "everywhere" | "executable">,
];

/**
 * Refused: what acts when the person merely opens, enters or asks about a folder, logs in, or talks to an agent there.
 * Variables (LD_PRELOAD, NODE_OPTIONS, BASH_ENV, GIT_* and their like) are no paths: the cell's environment is an
 * allow-list, and the files that would set them are below.
 */
const refused: readonly Family[] = [
  // Git, whatever it is asked: `git status` and an editor's look at the repository are enough.
  [
    "git runs it",
    ".git/hooks/ .git/modules/**/hooks/ .git/worktrees/*/hooks/ .git/**/hooks/",
    { everywhere: true },
  ],
  [
    "git reads programs to run from it",
    ".git/config .git/config.worktree .git/modules/**/config .git/modules/**/config.worktree .git/worktrees/*/config .git/worktrees/*/config.worktree .git/**/config .git/**/config.worktree .gitconfig .config/git/",
    { everywhere: true },
  ],
  [
    "it tells git where another configuration lies",
    ".git .git/commondir .git/gitdir .git/modules/**/commondir .git/worktrees/*/commondir .git/**/commondir .git/**/gitdir",
    { everywhere: true },
  ],
  // Not as .gitattributes, which every clone brings: nobody sees these.
  ["git chooses filters by it", ".git/info/attributes .git/**/info/attributes", { everywhere: true }],
  ["git runs it where the project points git's hooks to it", ".husky/ .githooks/ .git-hooks/", {}],
  ["Mercurial reads programs to run from it", ".hg/hgrc .hg/hgrc-not-shared .hg/sharedpath .hgrc"],
  ["Jujutsu reads programs to run from it", ".jj/repo/config.toml .jj/workspace-config.toml .config/jj/"],
  // Shells and logins.
  [
    "a shell runs it when it starts",
    ".bashrc .bash_profile .bash_login .bash_logout .bash_aliases .bash_completion .bashrc.d/ .profile .zshrc .zshenv .zprofile .zlogin .zlogout .zsh/ .oh-my-zsh/ .kshrc .mkshrc .shrc .cshrc .tcshrc .login .logout .config/fish/ .config/nushell/ .config/powershell/ .config/zsh/ .config/bash/ *profile.ps1",
  ],
  [
    "a shell runs it when the folder is entered",
    ".envrc .autoenv.zsh .env.fish mise.toml .mise.toml mise.local.toml .mise/ .config/mise/ .rtx.toml",
  ],
  ["it binds keys to commands in shells", ".inputrc"],
  [
    "it runs at login",
    ".xinitrc .xsession .xsessionrc .xprofile .pam_environment .config/environment.d/ .config/autostart/ .config/autostart-scripts/ .config/plasma-workspace/env/ .config/plasma-workspace/shutdown/ .config/systemd/user/ .local/share/systemd/user/ .local/share/dbus-1/services/ .config/upstart/",
  ],
  ["cron runs it", "cron.d/ cron.daily/ cron.hourly/ cron.weekly/ cron.monthly/ spool/cron/"],
  ["shells look up programs there", ".local/bin/"],
  ["ssh takes keys and programs from it", ".ssh/"],
  ["gpg takes keys and programs from it", ".gnupg/"],
  [
    "it names a program that hands out credentials",
    ".aws/config .aws/credentials .kube/ .docker/config.json .netrc .config/gcloud/",
  ],
  // Editors.
  [
    "an editor takes commands from it when the folder is opened",
    ".vscode/ .vscode-server/ *.code-workspace .idea/ .fleet/ .zed/ .vs/ .nova/ .theia/ .helix/ .kakrc .settings/ .externaltoolbuilders/ .vim/ .vimrc .gvimrc .exrc .nvimrc .nvim.lua .nvim/ .lvimrc .local.vimrc .config/nvim/ .dir-locals.el .dir-locals-2.el .emacs .emacs.d/ .spacemacs .ycm_extra_conf.py .neoconf.json .config/code/ .config/zed/ .config/helix/",
  ],
  ["an editor runs its commands to make the container", ".devcontainer/ .devcontainer.json"],
  // Agents, their tools, and Workcell's own settings.
  [
    "an agent takes settings, hooks, commands or skills from it",
    ".claude/ .claude.json .codex/ .gemini/ .opencode/ opencode.json opencode.jsonc .cursor/ .windsurf/ .kiro/ .continue/ .cline/ .roo/ .kilocode/ .amazonq/ .goose/ .qwen/ .factory/ .junie/ .augment/ .agents/ .agent/ .aider.conf.yml .aider.model.settings.yml .crush.json crush.json .config/claude/ .config/opencode/ .config/goose/ .config/crush/",
  ],
  [
    "an agent starts the servers it names",
    ".mcp.json mcp.json .mcp/ claude_desktop_config.json mcp_config.json",
  ],
  ["it widens what a cell may do", ".workcell.json .workcell/ .config/workcell/ .srt-settings.json"],
];

/** Marked: what acts when the person builds, tests, installs or runs the project, or asks an agent to work on it. */
const marked: readonly Family[] = [
  [
    "an agent takes instructions from it",
    "agents.md agents.override.md claude.md claude.local.md gemini.md copilot-instructions.md .github/instructions/ .github/prompts/ .github/agents/ .cursorrules .windsurfrules .clinerules .clinerules/ .roorules .goosehints .rules skill.md",
  ],
  ["git chooses filters, merges and file types by it", ".gitattributes"],
  ["git fetches what it names", ".gitmodules .git/remotes/ .git/branches/ .git/objects/info/alternates"],
  ["git runs the commands of an unfinished rebase", ".git/rebase-merge/ .git/rebase-apply/ .git/sequencer/"],
  [
    "it runs when a commit is made",
    ".pre-commit-config.yaml .pre-commit-hooks.yaml lefthook.yml .lefthook.yml lefthook.toml .lintstagedrc* lint-staged.config.* .overcommit.yml",
  ],
  [
    "a package manager takes scripts, sources or programs from it",
    "package.json .npmrc .yarnrc .yarnrc.yml .yarn/releases/ .yarn/plugins/ .pnpmfile.* pnpm-workspace.yaml bunfig.toml deno.json deno.jsonc composer.json gemfile *.gemspec .bundle/config pip.conf pip.ini .config/pip/ .pip/ uv.toml pixi.toml .condarc .gemrc",
  ],
  ["node runs it or takes options from it", ".node-version .noderc .env .env.*"],
  [
    "Python runs it",
    "conftest.py sitecustomize.py usercustomize.py *.pth setup.py setup.cfg pyproject.toml tox.ini noxfile.py pytest.ini .pythonrc .pythonrc.py .pythonstartup .ipython/ .jupyter/ .pdbrc .pypirc tasks.py dodo.py fabfile.py manage.py",
  ],
  [
    "a build runs it",
    "makefile gnumakefile *.mk cmakelists.txt *.cmake cmakepresets.json meson.build configure configure.ac build.ninja justfile .justfile taskfile.yml taskfile.yaml rakefile sconstruct sconscript wscript binding.gyp build.rs cargo.toml .cargo/ rust-toolchain.toml go.work build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradle.properties gradlew gradle/wrapper/ pom.xml .mvn/ mvnw build.xml build.sbt mix.exs directory.build.props directory.build.targets *.csproj *.vcxproj *.sublime-project .bazelrc workspace module.bazel build.bazel *.nix .buildkite/ .tool-versions",
  ],
  [
    "a tool of the project runs it",
    "*.config.js *.config.cjs *.config.mjs *.config.ts *.config.mts .eslintrc* .prettierrc.js .prettierrc.cjs .prettierrc.mjs .babelrc.js .mocharc* .stylelintrc.js gruntfile.* gulpfile.* .pryrc .irbrc .gdbinit .lldbinit .rprofile .octaverc .psqlrc .sqliterc .ghci .sbtopts .ctags .ctags.d/",
  ],
  [
    "a build server or a container engine runs it",
    ".github/workflows/ .github/actions/ action.yml .gitlab-ci.yml .circleci/ .travis.yml azure-pipelines.yml bitbucket-pipelines.yml jenkinsfile .drone.yml .woodpecker/ .woodpecker.yml .forgejo/ .gitea/ dockerfile *.dockerfile containerfile docker-compose*.yml docker-compose*.yaml compose.yml compose.yaml vagrantfile procfile skaffold.yaml tiltfile",
  ],
  ["a click starts what it names", "*.desktop *.lnk *.url *.command autorun.inf .directory"],
  ["cron would run it where it is installed", "crontab .crontab"],
  [
    "a shell that looks into this folder first runs it instead of the program of that name",
    "bwrap socat node npm npx pnpm yarn bun deno git ssh scp sudo su python python3 pip pip3 uv ruby perl bash sh zsh fish ls cat cp mv rm grep sed awk find less more vi vim nano code make cmake cargo rustc go gcc cc clang java docker podman kubectl curl wget tar gzip workcell claude codex gemini opencode",
    { executable: true },
  ],
];

function listed(families: readonly Family[], ofClass: ProtectedClass): readonly ProtectedPath[] {
  return families.flatMap(([reason, patterns, extra]) =>
    patterns.split(" ").map((pattern) => ({ pattern, class: ofClass, reason, ...extra })),
  );
}

/** Every path that acts on the host by being there, the refused ones first. */
export const protectedPaths: readonly ProtectedPath[] = [
  ...listed(refused, "refused"),
  ...listed(marked, "marked"),
];

/** Names of folders whose contents are other people's packages: there the refused are marked. */
export const dependencyTrees: readonly string[] = ["node_modules", "site-packages", "dist-packages"];
