import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TunnelName } from "../../src/model/index.ts";
import { compileFixtureTo } from "./compile-fixture.ts";
import { type Desk, type Ended, makeDesk, type Person, processesWith, until } from "./run-workcell.ts";

/** Whose calls fail: Workcell's own, cellhost's, those of cellhost and all that it starts, those of bwrap and the cell. */
export type Victim = "launcher" | "cellhost" | "cellhost and its children" | "bwrap";

/** A call of the kernel that fails, the n-th time that a process makes it. */
export interface Fault {
  readonly call: string;
  readonly error: string;
  readonly when: number;
}

export interface Faulted {
  readonly ended: Ended;
  /** How often the fault was met. */
  readonly arrived: number;
  /** What the command found of its seal; undefined: it never ran. */
  readonly canary: string | undefined;
  /** Processes that are left of it. */
  readonly left: readonly number[];
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** Facts of a process that say how sealed it is; the session's own uid is another one each time. */
export function sealOf(text: string): string {
  const facts = text
    .split("\n")
    .filter((line) =>
      /^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|Seccomp_filters):|^ *\d+ +\d+ +\d+$|^whole$/.test(line),
    )
    .map((line) => line.replace(/\s+/g, " ").trim());
  const [, uid = ""] = /^Uid: (\d+)/.exec(facts[0] ?? "") ?? [];
  return facts
    .map((line) => (Number(uid) > 0 ? line.replaceAll(new RegExp(`\\b${uid}\\b`, "g"), "ID") : line))
    .join("\n");
}

/**
 * What a sealed command finds. bwrap makes a /dev where cellhost has made none, and is root in its own user namespace for
 * that: an ordinary user's cell says so in its map.
 */
export const sealedFor = (person: Person): string => {
  const map = person.uid === undefined && process.getuid?.() === 0 ? "ID ID 1" : "ID 0 1";
  return sealedWith(map);
};

const sealedWith = (map: string) =>
  [
    ...["Uid: ID ID ID ID", "Gid: ID ID ID ID", "Groups:"],
    ...["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => `${name}: ${"0".repeat(16)}`),
    ...["NoNewPrivs: 1", "Seccomp: 2", "Seccomp_filters: 2", map, map, "whole"],
  ].join("\n");

/** A desk whose cells start with faults; their command is a canary that says how sealed it is. */
export class FaultDesk implements Disposable {
  readonly #desk: Desk;
  readonly #tunnel: TunnelName;
  readonly #trace: string;
  readonly #canary: string;
  readonly #cellhost: string;
  readonly #wrapped: string;

  constructor(person: Person, tunnel: TunnelName) {
    // Root's cells see another /tmp before bwrap starts.
    this.#desk = makeDesk(person, "/var/tmp");
    this.#tunnel = tunnel;
    const place = path.dirname(this.#desk.work);
    // Whoever is traced, the tracer has the same user: as root's cells that is the session's.
    this.#trace = this.#desk.folder("trace");
    chmodSync(this.#trace, 0o777);
    this.#canary = path.join(this.#desk.work, "seal-canary");
    compileFixtureTo(this.#canary, "seal-canary", ["-static"]);
    this.#cellhost = path.join(place, "installation/dist/native/cellhost");
    this.#wrapped = `${this.#cellhost}.wrapped`;
    renameSync(this.#cellhost, this.#wrapped);
    this.#desk.folder("bin");
  }

  #path(name: string): string {
    return path.join(path.dirname(this.#desk.work), name);
  }

  /** Puts a script in a program's place, which starts the program with words before it. */
  #put(script: string, program: string, before: readonly string[], only = "*"): void {
    const start = [...before, program].map(quoted).join(" ");
    writeFileSync(
      script,
      `#!/bin/sh\ncase $1 in\n${only}) exec ${start} "$@" ;;\n*) exec ${quoted(program)} "$@" ;;\nesac\n`,
    );
    chmodSync(script, 0o755);
  }

  /** Runs the canary; without a fault as a control. */
  async run(victim: Victim, fault?: Fault): Promise<Faulted> {
    const [log, said] = [path.join(this.#trace, "log"), path.join(this.#desk.work, "said")];
    for (const file of [log, said]) rmSync(file, { force: true });
    const trace = (...follow: readonly string[]) =>
      fault === undefined
        ? []
        : [
            ...["/usr/bin/strace", ...follow, "-qq", "-o", log, "-e", `trace=${fault.call}`],
            ...["-e", `inject=${fault.call}:error=${fault.error}:when=${fault.when}`],
          ];
    // With -D the tracer is nobody's parent: who is traced is seen to end by its own.
    const follow = victim === "cellhost and its children" ? ["-D", "-f"] : ["-D"];
    this.#put(
      this.#cellhost,
      this.#wrapped,
      victim.startsWith("cellhost") ? trace(...follow) : [],
      "supervise",
    );
    this.#put(this.#path("bin/bwrap"), "/usr/bin/bwrap", victim === "bwrap" ? trace("-D", "-f") : []);
    const ended = await this.#desk.run(
      ["--tunnel", this.#tunnel, "-m", `${this.#desk.work}:rw`, this.#canary, said],
      {
        cwd: this.#desk.work,
        within: 10_000,
        env: { PATH: `${this.#path("bin")}:${process.env["PATH"]}` },
        through: victim === "launcher" ? trace() : [],
      },
    );
    const injected = existsSync(log) ? readFileSync(log, "latin1").split("(INJECTED)").length - 1 : 0;
    // Under the mask of a fault, the canary may have shut it against its owner.
    if (existsSync(said)) chmodSync(said, 0o600);
    const canary = existsSync(said) ? sealOf(readFileSync(said, "utf8")) : undefined;
    return { ended, arrived: injected, canary, left: await this.#left() };
  }

  /** Who has the desk on its command line, once what has ended had time to go. */
  async #left(): Promise<readonly number[]> {
    let left: readonly number[] = [];
    const isGone = () => {
      left = processesWith(path.dirname(this.#desk.work));
      return left.length === 0;
    };
    await until(isGone, 5000).catch(() => {});
    return left;
  }

  /** The canary without a cell. */
  async outside(): Promise<string> {
    const said = path.join(this.#desk.work, "outside");
    await this.#desk.outside([this.#canary, said]);
    return sealOf(readFileSync(said, "utf8"));
  }

  [Symbol.dispose](): void {
    this.#desk[Symbol.dispose]();
  }
}
