import path from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** The XDG specification has relative paths ignored. */
function folder(env: Environment, variable: string, home: string, fallback: string): string {
  const value = env[variable];
  return path.join(
    value !== undefined && path.isAbsolute(value) ? value : path.join(home, fallback),
    "workcell",
  );
}

/** Records, audit log, trust: `$XDG_STATE_HOME/workcell`. */
export const stateFolder = (env: Environment, home: string) =>
  folder(env, "XDG_STATE_HOME", home, ".local/state");

/** The person's settings: `$XDG_CONFIG_HOME/workcell`. */
export const configFolder = (env: Environment, home: string) =>
  folder(env, "XDG_CONFIG_HOME", home, ".config");

/** What can be found out again: `$XDG_CACHE_HOME/workcell`. */
export const cacheFolder = (env: Environment, home: string) => folder(env, "XDG_CACHE_HOME", home, ".cache");

/** What is made for the person to look at: `$XDG_DATA_HOME/workcell`. */
export const dataFolder = (env: Environment, home: string) =>
  folder(env, "XDG_DATA_HOME", home, ".local/share");
