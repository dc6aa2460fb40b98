import { spawnSync } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import path from "node:path";
import { type Desk, processesWith, until } from "./run-workcell.ts";

/** Why no screen can be looked at; "": it can. */
export const tmuxProblem =
  spawnSync("tmux", ["-V"]).status === 0 ? "" : "tmux is not installed: apt-get install tmux";

/** Stands on a screen after what was opened there. */
const ENDED = "(it has ended)";

/** A word as a shell reads it back. */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** Terminals of a person's, side by side, each of the same size, whose screens can be read. */
export class Screens implements AsyncDisposable {
  readonly #desk: Desk;
  readonly #server: readonly string[];

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#server = ["tmux", "-u", "-f", "/dev/null", "-S", `${desk.folder("screens")}/socket`];
  }

  /** Starts a program on a terminal of its own, with this environment and nothing else. */
  async open(name: string, argv: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
    const variables = Object.entries({ TERM: "screen-256color", ...env }).map(
      ([key, value]) => `${key}=${value}`,
    );
    const command = ["env", "-i", ...variables, ...argv].map(quoted).join(" ");
    const size = ["-x", "100", "-y", "34"];
    // What has ended stays to be looked at.
    await this.#ask(
      "new-session",
      "-d",
      "-s",
      name,
      ...size,
      "-c",
      this.#desk.work,
      `${command}; echo "${ENDED}"; sleep 60`,
    );
  }

  /** What stands on it now, line by line. */
  async read(name: string): Promise<readonly string[]> {
    return (await this.#ask("capture-pane", "-p", "-t", name)).trimEnd().split("\n");
  }

  /** The same with its colours, as a terminal is told them. */
  async readColours(name: string): Promise<readonly string[]> {
    return (await this.#ask("capture-pane", "-e", "-p", "-t", name)).trimEnd().split("\n");
  }

  async resize(name: string, columns: number, rows: number): Promise<void> {
    await this.#ask("resize-window", "-t", name, "-x", `${columns}`, "-y", `${rows}`);
  }

  /** Pastes, as a terminal does that marks what is pasted where that is asked for. */
  async paste(name: string, text: string): Promise<void> {
    await this.#ask("set-buffer", "-b", name, text);
    await this.#ask("paste-buffer", "-p", "-d", "-b", name, "-t", name);
  }

  /** Whether what was opened has ended, or even what waits after it. */
  async hasEnded(name: string): Promise<boolean> {
    const shown = (await this.read(name)).join("\n");
    return shown === "" || shown.includes(ENDED);
  }

  /** Types on it; a key's name is that key. */
  async type(name: string, ...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.#ask("send-keys", "-t", name, key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ask("kill-server");
    // What is hung up on ends by itself, and until then it writes to the person's home; not every program does end.
    const { home, work } = this.#desk;
    const own = () => processesWith(path.dirname(home));
    await until(() => {
      const kept = own();
      const others = processesIn(work).filter((pid) => !kept.includes(pid));
      // One that ends by itself meanwhile is as well.
      if (others.length > 0) spawnSync("kill", ["-KILL", ...others.map(String)]);
      return kept.length + others.length === 0;
    }, 20_000);
  }

  async #ask(...words: readonly string[]): Promise<string> {
    return (await this.#desk.outside([...this.#server, ...words])).stdout;
  }
}

/** Pids of this machine's processes that have this folder as their own. */
function processesIn(folder: string): readonly number[] {
  const isIn = (name: string) => {
    try {
      return readlinkSync(`/proc/${name}/cwd`) === folder;
    } catch {
      // It has just ended, or is nobody's whom the test started.
      return false;
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isIn(name))
    .map(Number);
}
