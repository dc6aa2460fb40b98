import { readFileSync } from "node:fs";
import type { Check, Examination, Finding } from "./examination.ts";
import { runInSandbox } from "./sandbox.ts";

const allow = 0x7fff0000;
const refuse = 0x00050000;
const EIO = 5;
const EXDEV = 18;

/** A filter that answers the given calls with an error and allows the rest: load the number, compare, return. */
export function refusingFilter(calls: readonly number[], errno: number): Uint8Array {
  const rows: (readonly [code: number, yes: number, no: number, value: number])[] = [[0x20, 0, 0, 0]];
  calls.forEach((call, index) => {
    rows.push([0x15, calls.length - index, 0, call]);
  });
  rows.push([0x06, 0, 0, allow], [0x06, 0, 0, refuse | errno]);
  const program = Buffer.alloc(rows.length * 8);
  rows.forEach(([code, yes, no, value], index) => {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(yes, index * 8 + 2);
    program.writeUInt8(no, index * 8 + 3);
    program.writeUInt32LE(value, index * 8 + 4);
  });
  return program;
}

/** mkdir and mkdirat, symlink and symlinkat: calls that a shell's tools show the answer of. */
const calls =
  process.arch === "x64" ? { mkdir: [83, 258], symlink: [88, 266] } : { mkdir: [34], symlink: [36] };

const script = [
  "for tool in cat mkdir ln; do command -v $tool >/dev/null || exit 9; done",
  "cat /proc/self/status",
  "mkdir /tmp/a",
  "ln -s x /tmp/b",
  "exit 0",
].join("\n");

function filtersIn(status: string): number | undefined {
  const count = /^Seccomp_filters:\s*(\d+)/m.exec(status)?.[1];
  return count === undefined ? undefined : Number(count);
}

/** A filter above ours that has a listener leaves none for ours, which tells what it refuses. */
async function isListenerTaken({ run, cellhost }: Examination): Promise<boolean> {
  const { stdout } = await run(cellhost, ["probe-seccomp"]);
  return /^listener (?!yes)/m.test(stdout);
}

async function examine(examination: Examination): Promise<Finding> {
  const bwrap = examination.find("bwrap");
  const remedy = "Make the check of bubblewrap pass first: workcell doctor";
  if (bwrap === undefined)
    return { status: "missing", found: "seccomp: not tried, without bubblewrap", remedy };
  const filters = [refusingFilter(calls.mkdir, EIO), refusingFilter(calls.symlink, EXDEV)];
  const result = await runInSandbox(examination, bwrap, script, filters);
  if (result.code === 9)
    return {
      status: "missing",
      found: "seccomp: not tried, for want of cat, mkdir and ln in /usr/bin",
      remedy: "Install coreutils with the package manager of this system",
    };
  if (result.code !== 0)
    return { status: "missing", found: "seccomp: not tried, since bubblewrap builds no sandbox", remedy };
  if (await isListenerTaken(examination))
    return {
      status: "missing",
      found: "seccomp: another program watches Workcell's own system calls, and the kernel allows one only",
      remedy:
        "Start Workcell outside of that program: a container engine or tracer that answers system calls",
    };
  const own = filtersIn(readFileSync("/proc/self/status", "utf8")) ?? 0;
  const inside = filtersIn(result.stdout);
  const first = result.stderr.includes("Input/output error");
  const second = result.stderr.includes("cross-device");
  if (first && second && inside === own + 2)
    return { status: "ok", found: "seccomp: two filters at once, both refuse what they should" };
  if (first && second)
    return {
      status: "weaker",
      found: `seccomp: both filters refuse what they should, but the kernel counts ${inside ?? "none"}`,
      remedy: "Run a kernel of 5.9 or newer, which counts filters",
    };
  return {
    status: "missing",
    found: "seccomp: a filter that was accepted refuses nothing",
    remedy: "Run a kernel with CONFIG_SECCOMP_FILTER",
  };
}

/** seccomp: two filters are given to bubblewrap, and each is seen to refuse its calls. */
export const checkSeccomp: Check = {
  id: "seccomp",
  title: "seccomp",
  needed: "two system-call filters in one process, through bwrap --add-seccomp-fd",
  without: "No cell starts: a cell without its filters reaches the whole kernel",
  examine,
};
