import type { Condition, Rule } from "./rule.ts";

const unix = 1;
const inet = 2;
const inet6 = 10;
const netlink = 16;

const stream = 1;
const datagram = 2;
/** The kind of socket without SOCK_CLOEXEC and SOCK_NONBLOCK. */
const typeMask = 0xf;

const routing = 0;

/** O_CREAT and __O_TMPFILE: the kernel ignores the mode unless one of them is set. */
const creates = 0o100 | 0o20_000_000;

const formatMask = 0o170_000;
const characterDevice = 0o020_000;
const blockDevice = 0o060_000;

const reason = "on a connected folder, a set-uid or set-gid file is the host owner's power for anybody";

const modeAt = (argument: Condition["argument"]) => ({ argument, name: "mode" });
const setId = (argument: Condition["argument"]): Condition => ({ ...modeAt(argument), any: 0o6000 });
const device = (argument: Condition["argument"]): Condition => ({
  ...modeAt(argument),
  mask: formatMask,
  in: [characterDevice, blockDevice],
});

/** For settings that say so: pairs still work, which reach nobody. */
export const noUnixSockets: Rule = {
  calls: ["socket"],
  when: [{ argument: 0, name: "domain", in: [unix] }],
  answer: "refuse",
  reason: "the settings allow none: one of the host's may lie in a connected folder",
};

/** Which sockets a command may make, and which permission bits it may give. */
export const socketsAndModes: readonly Rule[] = [
  {
    calls: ["socket"],
    when: [{ argument: 0, name: "domain", notIn: [unix, inet, inet6, netlink] }],
    answer: "refuse",
    reason:
      "only UNIX, IPv4, IPv6 and route netlink: vsock and its like leave the cell without crossing the gate",
  },
  {
    calls: ["socket"],
    when: [
      { argument: 0, name: "domain", in: [inet, inet6] },
      { argument: 1, name: "type", mask: typeMask, notIn: [stream, datagram] },
    ],
    answer: "refuse",
    reason: "raw and packet sockets, and rarely walked kernel code",
  },
  {
    calls: ["socket"],
    when: [
      { argument: 0, name: "domain", in: [netlink] },
      { argument: 2, name: "protocol", notIn: [routing] },
    ],
    answer: "refuse",
    reason: "of netlink only NETLINK_ROUTE: netfilter, audit and the rest administer the kernel",
  },
  {
    calls: ["socketpair"],
    when: [{ argument: 0, name: "domain", notIn: [unix] }],
    answer: "refuse",
    reason: "pairs are made of UNIX sockets",
  },
  { calls: ["chmod", "fchmod", "creat", "mkdir"], when: [setId(1)], answer: "refuse", reason },
  { calls: ["fchmodat", "fchmodat2", "mkdirat"], when: [setId(2)], answer: "refuse", reason },
  {
    calls: ["open"],
    when: [{ argument: 1, name: "flags", any: creates }, setId(2)],
    answer: "refuse",
    reason,
  },
  {
    calls: ["openat"],
    when: [{ argument: 2, name: "flags", any: creates }, setId(3)],
    answer: "refuse",
    reason,
  },
  { calls: ["mknod"], when: [setId(1)], answer: "refuse", reason },
  { calls: ["mknodat"], when: [setId(2)], answer: "refuse", reason },
  {
    calls: ["mknod"],
    when: [device(1)],
    answer: "refuse",
    reason: "a device node reaches the host's devices",
  },
  {
    calls: ["mknodat"],
    when: [device(2)],
    answer: "refuse",
    reason: "a device node reaches the host's devices",
  },
];
