/** What the shell of the reference tunnel has said so far, and what bwrap and cellinit complained of. */
export interface ShellRecord {
  /** Set when the tunnel's forwarders did not start. */
  readonly notStarted?: 125;
  /** The command's code as the shell saw it. */
  readonly exitCode?: number;
  /** Set when the command was ended by a signal. */
  readonly signal?: NodeJS.Signals;
  /** Everything else, the last of it. */
  readonly complaints: readonly string[];
}

export const nothingSaid: ShellRecord = { complaints: [] };

/** Complaints that are kept. */
const MOST_COMPLAINTS = 20;

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

/** Adds one line to what was said. The line is a sandbox's: what is not known is a complaint, and no more. PURE. */
export function readShellLine(record: ShellRecord, line: string): ShellRecord {
  if (line === "n 125") return { ...record, notStarted: 125 };
  if (/^x \d+$/.test(line)) return { ...record, exitCode: Number(line.slice(2)) };
  const job = jobLine.exec(line);
  const [, pid, words = ""] = job ?? [];
  const signal = pid === "5" && Object.hasOwn(endedBy, words) ? endedBy[words] : undefined;
  if (signal !== undefined) return { ...record, signal };
  if (job !== null || line.trim() === "") return record;
  return { ...record, complaints: [...record.complaints, line].slice(-MOST_COMPLAINTS) };
}
