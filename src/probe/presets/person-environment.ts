import { readFileSync } from "node:fs";

type Environment = Readonly<Record<string, string>>;

const npmSetting = /^npm_config_/i;

/** The environment a process was started with, and its parent; undefined when it is not ours to read. */
export interface Ancestor {
  readonly env: Environment;
  readonly parent: number;
}

/** Reads `/proc/PID/environ` and the parent from `/proc/PID/stat`. */
export function readAncestor(pid: number): Ancestor | undefined {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    const env = pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);
    return { env: Object.fromEntries(env), parent };
  } catch {
    return undefined; // ended meanwhile, or another user's
  }
}

/**
 * The environment without what `npm run` puts there. npm hands a script the settings of the project's own `.npmrc`
 * as variables, and a project, which a cell may write to, must not name hosts. The person's own settings are
 * taken from the process that started npm.
 */
export function personEnvironment(
  env: Environment,
  parent: number,
  read: (pid: number) => Ancestor | undefined = readAncestor,
): Environment {
  if (env["npm_lifecycle_event"] === undefined) return env;
  let own: Environment = {};
  for (let pid = parent, depth = 0; pid > 0 && depth < 64; depth += 1) {
    const ancestor = read(pid);
    if (ancestor === undefined) break;
    if (ancestor.env["npm_lifecycle_event"] === undefined) {
      own = ancestor.env;
      break;
    }
    pid = ancestor.parent;
  }
  const rest = Object.entries(env).filter(
    ([name]) => !npmSetting.test(name) && name !== "npm_lifecycle_event",
  );
  const settings = Object.entries(own).filter(([name]) => npmSetting.test(name));
  return Object.fromEntries([...rest, ...settings]);
}
