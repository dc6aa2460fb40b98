import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildFilters } from "../../src/plan/seccomp/index.ts";
import { kernelSurface } from "../../src/plan/seccomp/kernel-surface.ts";
import { otherProcesses } from "../../src/plan/seccomp/other-processes.ts";
import { socketsAndModes } from "../../src/plan/seccomp/sockets-and-modes.ts";
import { compileFixture } from "../helpers/compile-fixture.ts";
import { missing, runFiltered, type Starter, starters } from "../helpers/filtered-bwrap.ts";

const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
/** PID 1 is bwrap, and the probe itself is PID 2. */
const filters = buildFilters(arch, { helpers: [1] }).map((filter) => filter.program);

const errnos: Record<string, string> = { EPERM: "1", ENOSYS: "38", "0": "0" };
/** ERFKILL and EHWPOISON: no attempt gets these from the kernel, so whoever answers them is the filter. */
const marks: Record<string, string> = { ENOSYS: "132", EPERM: "133", "0": "0" };

/**
 * Attempts that some kernels turn down in just this way without any filter: they want a capability over the whole
 * host, or the kernel was built or set not to have them. That the filter decides first is proven by the marked run.
 */
const maybeVacuous = new Set(
  (
    "swapon acct swapoff syslog vhangup mknodat/block unknown/1000 x32/getpid kexec_load kexec_file_load " +
    "init_module finit_module delete_module bpf io_uring_setup io_uring_enter io_uring_register userfaultfd/user-mode " +
    "open_by_handle_at perf_event_open quotactl iopl ioperm reboot"
  ).split(" "),
);

interface Attempt {
  readonly answer: string;
  readonly call: string;
  readonly name: string;
  readonly errno: string;
}

interface Probe {
  readonly attempts: readonly Attempt[];
  /** Lines of /proc/1/status and /proc/self/status that speak of seccomp. */
  readonly status: readonly string[];
}

/** The same filters with errnos that only they give. */
function marked(program: Uint8Array): Uint8Array {
  const copy = program.slice();
  const view = new DataView(copy.buffer);
  for (let at = 0; at < copy.length; at += 8) {
    const isReturn = view.getUint16(at, true) === 0x06;
    const value = view.getUint32(at + 4, true);
    if (isReturn && value === 0x0005_0001) view.setUint32(at + 4, 0x0005_0000 + 133, true);
    if (isReturn && value === 0x0005_0026) view.setUint32(at + 4, 0x0005_0000 + 132, true);
  }
  return copy;
}

/** Every capability of the cell's own user namespace is kept, so that the kernel itself refuses as little as possible. */
function probe(starter: Starter, programs: readonly Uint8Array[]): Probe {
  const run = runFiltered(starter, programs, [
    ...["--unshare-all", "--unshare-user", "--die-with-parent", "--cap-add", "ALL"],
    ...["--ro-bind", "/", "/", "--proc", "/proc", "--tmpfs", "/tmp"],
    ...[
      "--ro-bind",
      compileFixture("syscall-probe"),
      "/tmp/syscall-probe",
      "--chdir",
      "/tmp",
      "/tmp/syscall-probe",
    ],
  ]);
  expect({ code: run.code, errors: run.errors }).toEqual({ code: 0, errors: "" });
  const lines = run.output.trimEnd().split("\n");
  return {
    status: lines.filter((line) => line.startsWith("status ")).map((line) => line.replace(/\s+/g, " ")),
    attempts: lines
      .filter((line) => !line.startsWith("status "))
      .map((line) => {
        const [answer = "", call = "", label = "", errno = ""] = line.split(" ");
        return { answer, call, name: label === "-" ? call : `${call}/${label}`, errno };
      }),
  };
}

const answers = (found: Probe) => found.attempts.map(({ name, errno }) => [name, errno]);
const expected = (found: Probe, words: Record<string, string>) =>
  found.attempts.map(({ name, answer }) => [name, words[answer]]);

const ownFilters = Number(
  /^Seccomp_filters:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0",
);

describe.skipIf(missing(["bwrap", "gcc", "setpriv"]).length > 0).each(starters)(
  "both filters in a real kernel, started by $name",
  (starter) => {
    test("every attempt gets the answer it must get", () => {
      const found = probe(starter, filters);
      expect(answers(found)).toEqual(expected(found, errnos));
    });

    test("it is the filters that answer, and not the kernel behind them", () => {
      const found = probe(starter, filters.map(marked));
      expect(answers(found)).toEqual(expected(found, marks));
    });

    test("control: without the filters every refused attempt goes otherwise, and every allowed one succeeds", () => {
      const found = probe(starter, []);
      const same = found.attempts
        .filter(({ answer, errno }) => (answer === "0") !== (errno === errnos[answer]))
        .map(({ name }) => name)
        .filter((name) => !maybeVacuous.has(name));
      expect(same).toEqual([]);
    });

    test("init and command are in mode 2, under two filters more than whoever started them", () => {
      const lines = (mode: number, count: number) =>
        ["init", "self"].flatMap((who) => [
          `status ${who} Seccomp: ${mode}`,
          `status ${who} Seccomp_filters: ${count}`,
        ]);
      expect(probe(starter, filters).status).toEqual(lines(2, ownFilters + 2));
      expect(probe(starter, []).status).toEqual(lines(ownFilters > 0 ? 2 : 0, ownFilters));
    });

    test("every call of every rule is attempted", () => {
      const attempted = new Set(probe(starter, filters).attempts.map(({ call }) => call));
      const ruled = buildFilters(arch)
        .flatMap((filter) => filter.text)
        .join("\n");
      const calls = [...kernelSurface.rules, ...socketsAndModes, ...otherProcesses([1])]
        .filter(({ answer }) => answer !== "allow")
        .flatMap((rule) => rule.calls);
      const here = calls.filter((call) => new RegExp(`(^|, )${call}(,| when|:)`, "m").test(ruled));
      expect(here.length).toBeGreaterThan(60);
      expect(here.filter((call) => !attempted.has(call))).toEqual([]);
    });
  },
);
