/** What the shell at PID 2 has said so far. */
export interface ControlRecord {
  readonly ready: boolean;
  /** Why the command could not be started: 126, 127, or 125 for the tunnel itself. */
  readonly notStarted?: 125 | 126 | 127;
  /** The command's code as the shell saw it. */
  readonly exitCode?: number;
  /** Set when the command was ended by a signal. */
  readonly signal?: NodeJS.Signals;
  readonly cpuMs?: number;
  /** Everything else: what bwrap, cellhost or bash complained of. */
  readonly complaints: readonly string[];
}

/** bash's words for a job that a signal ended, in the C locale. */
const endedBy: Readonly<Record<string, NodeJS.Signals>> = {
  Hangup: "SIGHUP",
  Interrupt: "SIGINT",
  Quit: "SIGQUIT",
  "Illegal instruction": "SIGILL",
  "Trace/breakpoint trap": "SIGTRAP",
  Aborted: "SIGABRT",
  "Bus error": "SIGBUS",
  "Floating point exception": "SIGFPE",
  Killed: "SIGKILL",
  "User defined signal 1": "SIGUSR1",
  "Segmentation fault": "SIGSEGV",
  "User defined signal 2": "SIGUSR2",
  "Broken pipe": "SIGPIPE",
  "Alarm clock": "SIGALRM",
  Terminated: "SIGTERM",
  "CPU time limit exceeded": "SIGXCPU",
  "File size limit exceeded": "SIGXFSZ",
  "Virtual timer expired": "SIGVTALRM",
  "Profiling timer expired": "SIGPROF",
  "I/O possible": "SIGIO",
  "Power failure": "SIGPWR",
  "Bad system call": "SIGSYS",
};

/** A line of `jobs -l`: `[3]+     5 Terminated              ( ... )`. */
const jobLine = /^\[\d+\][+-]?\s+(\d+) (.+?)(?: \(core dumped\))?(?:\s{2,}|$)/;

const empty: ControlRecord = { ready: false, complaints: [] };

function cpuMs(text: string): number {
  const parts = [...text.matchAll(/(\d+)m([\d.]+)s/g)];
  return Math.round(
    parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000, 0),
  );
}

function readLine(record: ControlRecord, line: string): ControlRecord {
  if (line === "r") return { ...record, ready: true };
  if (line === "n 125" || line === "n 126" || line === "n 127") {
    return { ...record, notStarted: line === "n 126" ? 126 : line === "n 127" ? 127 : 125 };
  }
  if (/^x \d+$/.test(line)) return { ...record, exitCode: Number(line.slice(2)) };
  if (/^\d+m[\d.]+s \d+m[\d.]+s$/.test(line)) return { ...record, cpuMs: (record.cpuMs ?? 0) + cpuMs(line) };
  const job = jobLine.exec(line);
  const words = job?.[2] ?? "";
  const signal = job?.[1] === "5" && Object.hasOwn(endedBy, words) ? endedBy[words] : undefined;
  if (signal !== undefined) return { ...record, signal };
  if (job !== null || (record.ready && line.startsWith("workcell: line "))) return record;
  return line.trim() === "" ? record : { ...record, complaints: [...record.complaints.slice(-20), line] };
}

/** Reads the control socket's text. The other end is a sandbox: what is too long or unknown is dropped. */
export class ControlReader {
  #rest = "";
  #record = empty;

  get record(): ControlRecord {
    return this.#record;
  }

  /** Takes bytes as they come; returns the record after them. */
  push(text: string): ControlRecord {
    const lines = (this.#rest + text).split("\n");
    this.#rest = (lines.pop() ?? "").slice(-4096);
    for (const line of lines) this.#record = readLine(this.#record, line.slice(0, 4096));
    return this.#record;
  }
}
