import { settingsFile } from "./settings-cases-shared.mjs";

/** @typedef {import("./settings-cases.mjs").Case} Case */

/** Python that says what an attempt's errno was. @param {string} body */
const python = (body) => `/usr/bin/python3 -c "
import ctypes, os, socket
l = ctypes.CDLL(None, use_errno=True)
def call(*a):
  r = l.syscall(*a)
  return 'DONE' if r >= 0 else 'NOT'
try:
  print(${body})
except OSError as e:
  print('NOT')"`;

/** @type {Case["answer"]} */
const word = ({ stdout, code }) => {
  if (stdout.includes("DONE")) return "done";
  return stdout.includes("NOT") ? "refused" : `failed ${code}`;
};

/** @param {string} id @param {string} title @param {string} script @param {Partial<Case>} [more] @returns {Case} */
const kernel = (id, title, script, more = {}) => ({
  id,
  title,
  script,
  answer: word,
  required: "refused",
  ...more,
});

const syscalls = process.arch === "arm64" ? { unshare: 97, mount: 40 } : { unshare: 272, mount: 165 };

/** @type {readonly Case[]} */
export const kernelCases = [
  kernel("5.1", "a user namespace", python(`call(${syscalls.unshare}, 0x10000000)`)),
  kernel("5.2", "a mount", python(`call(${syscalls.mount}, b'none', b'/tmp', b'tmpfs', 0, None)`)),
  kernel("5.3", "io_uring", python("call(425, 1, ctypes.create_string_buffer(128))")),
  kernel("5.4", "a socket to a hypervisor (AF_VSOCK)", python("'DONE' if socket.socket(40, 1) else 'NOT'")),
  kernel("5.5", "a packet socket", python("'DONE' if socket.socket(17, 3) else 'NOT'")),
  kernel(
    "5.6",
    "bpf",
    python(`call(${process.arch === "arm64" ? 280 : 321}, 0, ctypes.create_string_buffer(128), 128)`),
  ),
  kernel("5.7", "userfaultfd", python(`call(${process.arch === "arm64" ? 282 : 323}, 1)`)),
  kernel(
    "5.8",
    "the host's processes",
    "[ -e /proc/$(cat starter) ] && grep -q node /proc/$(cat starter)/comm && echo DONE || echo NOT",
  ),
  kernel("5.9", "tracing PID 1", python(`call(${process.arch === "arm64" ? 117 : 101}, 0x4206, 1, 0, 0)`)),
  kernel(
    "5.10",
    "capabilities",
    "grep -q 'CapEff:.*0000000000000000' /proc/self/status && echo NOT || echo DONE",
  ),
  kernel(
    "5.11",
    "the host's System V memory (IPC namespace)",
    '[ "$(readlink /proc/self/ns/ipc)" = "$(cat ipc)" ] && echo DONE || echo NOT',
  ),
  kernel(
    "5.12",
    "the host's name (UTS namespace)",
    '[ "$(readlink /proc/self/ns/uts)" = "$(cat uts)" ] && echo DONE || echo NOT',
  ),
  kernel(
    "5.13",
    "a socket of the host's that lies in the folder",
    python("'NOT' if socket.socket(1, 1).connect('host.sock') else 'DONE'"),
  ),
  kernel(
    "5.14",
    "writing a knob of the kernel",
    "(exec 3>>/proc/sys/kernel/core_pattern) 2>/dev/null && echo DONE || echo NOT",
  ),
  kernel(
    "5.15",
    "weaker nested: the host's processes all the same",
    "[ -e /proc/$(cat starter) ] && grep -q node /proc/$(cat starter)/comm && echo DONE || echo NOT",
    {
      settings: () => settingsFile({}, {}, { enableWeakerNestedSandbox: true }),
    },
  ),
  kernel("5.16", "no new privileges", "grep -q 'NoNewPrivs:.*1' /proc/self/status && echo NOT || echo DONE"),
];
