import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CellBench, type CellRun, defaultOptions, lacking } from "../helpers/cellinit.ts";
import { compileFixtureTo } from "../helpers/compile-fixture.ts";

/** Every call that sets a sealed process up, in the order of the steps. */
const sealCalls = [
  ...[
    "close_range",
    "fcntl",
    "read",
    "setpgid",
    "prlimit64",
    "getresuid",
    "getresgid",
    "prctl",
    "capget",
    "capset",
  ],
  ...["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "open", "fstat", "seccomp"],
  ...["sendmsg", "recvfrom", "rt_sigaction", "rt_sigprocmask", "dup2"],
];
const initCalls = [
  "socket",
  "setsockopt",
  "bind",
  "listen",
  "sendmsg",
  "pipe2",
  "fork",
  "wait4",
  "ppoll",
  "prctl",
  "close_range",
];
/** aarch64 has only the newer calls; libc uses these for the older ones. */
const newer: Readonly<Record<string, string>> =
  process.arch === "arm64" ? { open: "openat", dup2: "dup3", fork: "clone" } : {};

const zero = "0".repeat(16);

const whenSealed = [
  ...[zero, zero, zero, zero, zero, "1", "2", zero, zero],
  ...["EACCES", "0,1,2,3", "True", "(64, 64)"],
].join("\n");

/** Init ends what is left in the cell, and strace, its parent, is in the cell. */
const killedTracer = 137;

/** Descriptors on their way from other cells of this user, which other tests have, are above `nofile=64`. */
const ETOOMANYREFS = 109;

describe.skipIf(lacking("bwrap", "python3", "strace", "gcc").length > 0)(
  "cellinit when a set-up call fails",
  () => {
    let bench: CellBench;
    let report = "";
    beforeAll(() => {
      bench = new CellBench();
      report = compileFixtureTo(path.join(bench.path, "seal-report"), "seal-report", ["-static"]);
    });
    afterAll(() => bench[Symbol.dispose]());

    const options = [
      ...defaultOptions.filter(
        (word) => !word.includes("landlock") && word !== "/" && word !== "/tmp" && word !== "/dev",
      ),
      ...["--landlock-required", "--rlimit", "nofile=64"],
      ...["/usr", "/lib", "/lib64", "/bin", "/etc", "/proc"].flatMap((path) => ["--landlock-read", path]),
      ...["--landlock-write", "/tmp", "--landlock-write", "/dev"],
    ];
    const bwrap = () => ["--tmpfs", "/var/tmp", "--ro-bind", report, "/tmp/report"];
    /** Says how sealed it is; what it says must be the same whenever the command runs at all. */
    const command = ["/tmp/report"];
    const inject = (kind: "seal" | "init", fault: string) => {
      const around = `exec strace -f -qq -o /dev/null -e 'trace=${fault.split(":")[0]}' -e 'inject=${fault}' "$@"`;
      const isCrowded = ({ messages }: CellRun) => messages.some(({ error }) => error === ETOOMANYREFS);
      for (let tries = 100; ; tries--) {
        const run = bench.run({ kind, options, bwrap: bwrap(), around, command });
        if (!isCrowded(run)) return run;
        expect(tries).toBeGreaterThan(0);
      }
    };

    const faults = ["error=ENOMEM:when=1", "error=EPERM:when=1", "error=EINTR:when=1", "error=EPERM:when=2+"];
    const cases = [
      ...sealCalls.map((call) => ({ kind: "seal" as const, call: newer[call] ?? call })),
      ...initCalls.map((call) => ({ kind: "init" as const, call: newer[call] ?? call })),
    ];

    test.each(["seal", "init"] as const)(
      "%s: without a fault the command runs, and finds itself sealed",
      (kind) => {
        const run = inject(kind, "getcwd:error=EPERM:when=60000");
        expect(run).toMatchObject({ code: kind === "init" ? killedTracer : 0, marked: true });
        expect(bench.read("marker")).toBe(whenSealed);
      },
    );

    test("the look that the command takes sees a missing seal", () => {
      bench.run({ control: true, bwrap: bwrap(), command });
      const lines = bench.read("marker").split("\n");
      expect(lines[6]).toBe("1");
      expect(lines[9]).toBe("open");
      expect(lines[10]).toContain("7");
    });

    test.each(cases)("$kind, $call: an unsealed command never runs", ({ kind, call }) => {
      let stopped = 0;
      for (const fault of [...faults, ...(call === "prctl" ? ["error=EINVAL:when=5"] : [])]) {
        const run = inject(kind, `${call}:${fault}`);
        if (run.marked) expect([fault, bench.read("marker")]).toEqual([fault, whenSealed]);
        else {
          stopped += 1;
          expect([fault, run.stdout]).toEqual([fault, ""]);
          expect(kind === "init" ? [125, killedTracer] : [125]).toContain(run.code);
        }
      }
      // Waiting is only interrupted; all else has stopped the start at least once, so the faults do arrive.
      if (call !== "ppoll" && call !== "wait4") expect(stopped).toBeGreaterThan(0);
    });
  },
);
