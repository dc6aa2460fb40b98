import type { PresetName } from "../../model/index.ts";

/** What a tool's answer depends on, as far as it is known without asking. */
export interface PresetDependencies {
  /** Variables that change the answer, as a pattern over names. */
  readonly variables: RegExp;
  /** Configuration files and folders. */
  files(env: Readonly<Record<string, string>>, home: string): readonly string[];
}

const given = (file: string | undefined) => (file === undefined || file === "" ? [] : [file]);

/** Kept apart from the presets themselves, so that an answer from the cache loads none of them. */
export const presetDependencies: Readonly<Record<PresetName, PresetDependencies>> = {
  npm: {
    variables: /^npm_config_|^(https?_proxy|no_proxy|proxy|prefix|node_options)$/i,
    files: (env, home) => [`${home}/.npmrc`, ...given(env["PREFIX"] && `${env["PREFIX"]}/etc/npmrc`)],
  },
  pip: {
    variables: /^PIP_|^(PYENV_VERSION|PYENV_ROOT|XDG_CONFIG_HOME|XDG_CONFIG_DIRS|VIRTUAL_ENV)$/i,
    files: (env, home) => [
      ...(env["XDG_CONFIG_DIRS"] ?? "/etc/xdg").split(":").map((folder) => `${folder}/pip/pip.conf`),
      "/etc/pip.conf",
      `${home}/.pip/pip.conf`,
      `${env["XDG_CONFIG_HOME"] ?? `${home}/.config`}/pip/pip.conf`,
      // A shim of a version manager stays the same file when the version behind it changes.
      `${env["PYENV_ROOT"] ?? `${home}/.pyenv`}/version`,
      ...given(env["PIP_CONFIG_FILE"]),
    ],
  },
  apt: {
    variables: /^APT_CONFIG$/,
    files: (env) => [
      "/etc/apt/sources.list",
      "/etc/apt/sources.list.d",
      "/etc/apt/apt.conf",
      "/etc/apt/apt.conf.d",
      ...given(env["APT_CONFIG"]),
    ],
  },
  git: {
    variables: /^(GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|XDG_CONFIG_HOME)$/,
    files: (env, home) => [
      env["GIT_CONFIG_SYSTEM"] ?? "/etc/gitconfig",
      env["GIT_CONFIG_GLOBAL"] ?? `${home}/.gitconfig`,
      `${env["XDG_CONFIG_HOME"] ?? `${home}/.config`}/git/config`,
    ],
  },
};
