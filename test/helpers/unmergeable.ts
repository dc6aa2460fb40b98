import { spawnSync } from "node:child_process";
import path from "node:path";
import type { Desk, Ended, RunOptions, Started } from "./run-workcell.ts";
import { startProgram } from "./run-workcell.ts";

/**
 * A folder of a desk's that lies on an overlay, as all of a container does: it cannot be idmapped, and can hold no layer of
 * another overlay. It is mounted in a namespace that is held until it is disposed of. Only root can make one.
 */
export interface Unmergeable extends Disposable {
  /** Absolute path, by which only what runs there finds it. */
  readonly path: string;
  /** Runs `workcell` there, with its state folder there as well. */
  workcell(words: readonly string[], options?: RunOptions): Promise<Ended>;
  start(words: readonly string[], options?: RunOptions): Started;
  /** What a script of bash prints there, by the person, or by root. */
  shell(script: string, as?: "person" | "root"): string;
}

export async function makeUnmergeable(desk: Desk): Promise<Unmergeable> {
  const there = desk.folder("there");
  const [lower, upper, work] = ["lower", "upper", "overlay"].map((part) => desk.folder(part));
  const { uid } = desk.person;
  const drop = uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: desk.home,
    XDG_STATE_HOME: path.join(there, "state"),
  };
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  const hold = `mount -t overlay none -o ${options} ${there} && echo held && exec sleep 600`;
  const holder = startProgram({ name: "root" }, ["unshare", "-m", "bash", "-euc", hold], {
    env,
    within: 600_000,
  });
  await holder.said("held");
  const inThere = ["nsenter", "-m", "-t", `${holder.child.pid}`];
  const start: Unmergeable["start"] = (words, more = {}) =>
    startProgram({ name: "root" }, [...inThere, ...drop, desk.program, ...words], { ...more, env });
  return {
    path: there,
    start,
    workcell: (words, more) => start(words, more).ended,
    shell: (script, as = "person") => {
      const words = [...inThere, ...(as === "person" ? drop : []), "bash", "-euc", `cd ${there}; ${script}`];
      const done = spawnSync(words[0] ?? "", words.slice(1), { env, encoding: "utf8" });
      if (done.status !== 0) throw new Error(`"${script}" failed: ${done.stderr}`);
      return done.stdout;
    },
    [Symbol.dispose]: () => void holder.child.kill("SIGKILL"),
  };
}
