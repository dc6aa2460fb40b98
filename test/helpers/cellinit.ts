import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makePlace, type Place } from "./cellhost.ts";
import { FakeCellhost } from "./fake-cellhost.ts";
import { placeNative } from "./made-once.ts";

const isRoot = process.getuid?.() === 0;
const isArm = process.arch === "arm64";

/** Numbers of calls that the tests' own filters refuse. */
export const callNumbers = isArm ? { mount: 40, umount: 39 } : { mount: 165, umount: 166 };

/** Who starts the cell: root by way of cellhost, or a user who owns nothing. */
export const starters = isRoot ? (["root", "user"] as const) : (["user"] as const);
type Starter = (typeof starters)[number] | "user";

/** One packet of the control socket, as test/fixtures/fake-cellhost.py read it. */
export interface Said {
  readonly say: "S" | "L" | "T" | "F" | "X";
  readonly descriptors: number;
  readonly length: number;
  readonly id?: number;
  readonly landlock?: number;
  readonly code?: number;
  readonly error?: number;
  readonly step?: string;
  readonly status?: number | string;
  readonly cpuUs?: number;
  readonly maxRssKb?: number;
}

export interface CellRun {
  readonly said: string;
  readonly messages: readonly Said[];
  /** Calls that were refused by the second filter. */
  readonly refused: readonly number[];
  readonly code: number | null;
  readonly signal: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly launcher: string;
  readonly screen: string;
  /** Descriptors that init had open after the last further command was asked for; null: only root may know. */
  readonly open: number | "gone" | null;
  /** What each further command wrote. */
  readonly execs: readonly string[];
  /** Whether the command made /tmp/open/marker. */
  readonly marked: boolean;
}

export interface CellTask {
  readonly starter?: Starter;
  readonly kind?: "seal" | "init";
  /** Instead of cellinit's own default options. */
  readonly options?: readonly string[];
  readonly command: readonly string[];
  /** Run before cellinit as PID 2, a script of bash with cellinit's words as "$@". */
  readonly around?: string;
  /** The command without cellinit: what the sealed one is compared with. */
  readonly control?: boolean;
  readonly bwrap?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Words before bwrap, such as strace's. */
  readonly prefix?: readonly string[];
  readonly host?: Readonly<Record<string, unknown>>;
}

/** A classic BPF program that asks a listener about these calls and allows the rest. */
export function askAbout(...calls: readonly number[]): Uint8Array {
  const program = Buffer.alloc(8 * (calls.length + 3));
  const put = (index: number, [code = 0, yes = 0, no = 0, operand = 0]: readonly number[]) => {
    program.writeUInt16LE(code, 8 * index);
    program.writeUInt8(yes, 8 * index + 2);
    program.writeUInt8(no, 8 * index + 3);
    program.writeUInt32LE(operand, 8 * index + 4);
  };
  put(0, [0x20]);
  calls.forEach((call, index) => {
    put(index + 1, [0x15, calls.length - index, 0, call]);
  });
  put(calls.length + 1, [0x06, 0, 0, 0x7fff_0000]);
  put(calls.length + 2, [0x06, 0, 0, 0x7fc0_0000]);
  return program;
}

export const defaultOptions: readonly string[] = [
  ...["--control-fd", "7", "--filter-fd", "5", "--stderr-fd", "6", "--landlock-required", "--uid-check"],
  ...["--landlock-read", "/", "--landlock-write", "/tmp", "--landlock-write", "/dev"],
];

/** The programs, a folder that cells may write to, and everything that is taken away at the end. */
export class CellBench implements Disposable {
  readonly #place: Place = makePlace();
  /** A user of its own: descriptors on their way from other tests' cells would count against its limits. */
  readonly #user = 55_000 + (process.pid % 5000);
  readonly #host = new FakeCellhost(this.#place.path);
  readonly cellinit: string;

  /** With `instead` another program of the same kind takes cellinit's place. */
  constructor(instead?: (folder: string) => string) {
    placeNative(this.#place.path, ["cellhost", "cellinit"]);
    this.cellinit = instead?.(this.#place.path) ?? path.join(this.#place.path, "cellinit");
    for (const folder of ["open", "scratch"]) mkdirSync(path.join(this.#place.path, folder));
    chmodSync(this.open, 0o777);
    writeFileSync(path.join(this.#place.path, "first"), askAbout(callNumbers.umount));
    writeFileSync(path.join(this.#place.path, "second"), askAbout(callNumbers.mount));
  }

  /** Writable from inside, as /tmp/open. */
  get open(): string {
    return path.join(this.#place.path, "open");
  }

  get path(): string {
    return this.#place.path;
  }

  #starter(starter: Starter): readonly string[] {
    const id = `${this.#user}`;
    if (starter === "user") return isRoot ? ["setpriv", "--reuid", id, "--regid", id, "--clear-groups"] : [];
    const keep = [4, 5, 6, 7, 20, 77].slice(0, 4).flatMap((fd) => ["--keep-fd", `${fd}`]);
    return [
      ...[path.join(this.#place.path, "cellhost"), "enter", "--uid", id, "--gid", id],
      ...["--scratch", path.join(this.#place.path, "scratch"), ...keep, "--"],
    ];
  }

  #argv(task: CellTask): readonly string[] {
    const { kind = "seal", options = defaultOptions, command, around } = task;
    const words = task.control ? command : ["/tmp/cellinit", kind, ...options, "--", ...command];
    return [
      ...(task.prefix ?? []),
      ...this.#starter(task.starter ?? "user"),
      ...["/usr/bin/bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"],
      ...["--new-session", "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--clearenv"],
      ...["--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin", "--setenv", "HOME", "/tmp"],
      ...Object.entries(task.environment ?? {}).flatMap(([name, value]) => ["--setenv", name, value]),
      ...["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
      ...["--bind", this.open, "/tmp/open", "--ro-bind", this.cellinit, "/tmp/cellinit"],
      ...["--chdir", "/tmp", "--add-seccomp-fd", "4", ...(task.bwrap ?? []), "--"],
      ...(around === undefined ? words : ["bash", "-c", around, "bash", ...words]),
    ];
  }

  /** Runs one cell to its end. */
  run(task: CellTask): CellRun {
    const marker = path.join(this.open, "marker");
    rmSync(marker, { force: true });
    const run = this.#host.run({
      argv: this.#argv(task),
      filter: path.join(this.#place.path, "second"),
      first_filter: path.join(this.#place.path, "first"),
      ...task.host,
    });
    return {
      ...run,
      said: run.messages.map(({ say }: Said) => say).join(""),
      code: (run.status & 127) === 0 ? run.status >> 8 : null,
      signal: (run.status & 127) === 0 ? null : run.status & 127,
      marked: existsSync(marker),
    };
  }

  /** What the command wrote into /tmp/open/NAME. */
  read(name: string): string {
    return readFileSync(path.join(this.open, name), "utf8");
  }

  [Symbol.dispose](): void {
    this.#host[Symbol.dispose]();
    this.#place[Symbol.dispose]();
  }
}

/** What is needed and not here; in CI nothing may be, since a skipped proof proves nothing. */
export function lacking(...programs: readonly string[]): readonly string[] {
  const absent = programs.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0);
  if (absent.length > 0 && process.env["CI"] === "true")
    throw new Error(`Needed in CI: ${absent.join(", ")}`);
  if (absent.length > 0) console.warn(`cellinit: skipped, not installed here: ${absent.join(", ")}`);
  return absent;
}
