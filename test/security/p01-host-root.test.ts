import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type Attempt, describeAttempts } from "../helpers/attempts.ts";
import { lacking, roots, type Tunnel, useHouse } from "../helpers/cell.ts";
import { inCell, startCell } from "../helpers/live-cell.ts";

const absent = lacking({ root: true });
const house = useHouse();

/** Writes a knob's own value back: it goes through without changing anything. */
const writeBack = (knob: string, maybeVacuous?: string): Attempt => ({
  name: `write ${knob}`,
  act: `value=$(cat ${knob}) && echo "$value" >${knob}`,
  ...(maybeVacuous !== undefined && { maybeVacuous }),
});

const knobs: readonly Attempt[] = [
  writeBack("/proc/sys/kernel/core_pattern"),
  writeBack("/proc/sys/kernel/modprobe", "a kernel without modules has no such knob"),
  writeBack("/proc/sys/kernel/randomize_va_space"),
  writeBack("/proc/sys/kernel/panic"),
  writeBack("/proc/sys/fs/suid_dumpable"),
  writeBack("/proc/sys/fs/file-max"),
  writeBack("/proc/sys/vm/overcommit_memory"),
  writeBack("/proc/sys/net/core/somaxconn"),
  writeBack("/proc/irq/default_smp_affinity", "a machine without an interrupt controller has none"),
  writeBack("/sys/module/printk/parameters/time", "the kernel may have no such parameter"),
  writeBack("/sys/kernel/uevent_helper", "the kernel may have been built without it"),
  {
    name: "open /proc/sysrq-trigger for writing",
    act: ": >/proc/sysrq-trigger",
    maybeVacuous: "the kernel was built without CONFIG_MAGIC_SYSRQ",
  },
  {
    name: "write a control group's release_agent",
    act: 'for file in $(find /sys/fs/cgroup -maxdepth 2 -name release_agent); do value=$(cat "$file"); echo "$value" >"$file" && exit 0; done; exit 1',
    maybeVacuous: "no hierarchy of cgroup v1 is mounted",
  },
  {
    name: "lower its own oom_score_adj",
    act: "echo -1000 >/proc/$BASHPID/oom_score_adj",
    maybeVacuous: "needs CAP_SYS_RESOURCE",
  },
  { name: "take a better priority", act: "test $(nice -n -5 nice) = -5" },
];

const devices: readonly Attempt[] = [
  { name: "read the kernel's log", act: 'test -n "$(dmesg | head -c1)"' },
  { name: "open /dev/kmsg", act: ": </dev/kmsg" },
  { name: "open /dev/mem", act: ": </dev/mem", maybeVacuous: "the kernel was built without it" },
  {
    name: "read /proc/kcore",
    act: "head -c1 /proc/kcore | grep -q .",
    maybeVacuous: "the kernel was built without it",
  },
  {
    name: "read a disk",
    act: 'for disk in /dev/[vsx]d[a-z] /dev/nvme?n? /dev/xvd? /dev/loop?; do head -c1 "$disk" >/dev/null && exit 0; done; exit 1',
    maybeVacuous: "this machine shows no disk",
  },
  { name: "make a device", act: "mknod node b 7 0", maybeVacuous: "inside a container root may not either" },
];

/** `folder` is connected, `secret` lies beside it; both are root's. */
function files(folder: string, secret: string): readonly Attempt[] {
  return [
    { name: "read /etc/shadow", act: "cat /etc/shadow" },
    { name: "read /etc/shadow through a symlink in the folder", act: `cat ${folder}/link` },
    {
      name: "read /etc/shadow through any process's root",
      act: 'for root in /proc/[0-9]*/root; do cat "$root/etc/shadow" && exit 0; done; exit 1',
    },
    { name: "list /root", act: "ls /root" },
    { name: "read root's file beside the folder", act: `cat ${secret}` },
    {
      name: "read root's file beside the folder through ..",
      act: `cat ${folder}/../${path.basename(secret)}`,
    },
    { name: "read another's file in root's folder", act: `cat ${folder}/of-another` },
    { name: "list another's folder in root's folder", act: `ls ${folder}/folder-of-another` },
    { name: "give a file to another", act: `cd ${folder}; : >mine; chown 1 mine` },
    { name: "take another's file", act: `chown $(id -u) ${folder}/of-another` },
  ];
}

function makeFiles(tunnel: Tunnel): { folder: string; secret: string } {
  const folder = house.makeFolder(`work-${tunnel}`, 0);
  const secret = path.join(house.folder, `secret-${tunnel}`);
  writeFileSync(secret, "root's own", { mode: 0o600 });
  symlinkSync("/etc/shadow", path.join(folder, "link"));
  writeFileSync(path.join(folder, "of-another"), "another's", { mode: 0o600 });
  mkdirSync(path.join(folder, "folder-of-another"));
  chmodSync(path.join(folder, "folder-of-another"), 0o700);
  for (const name of ["of-another", "folder-of-another"]) chownSync(path.join(folder, name), 1234, 1234);
  return { folder, secret };
}

const all = [...knobs, ...devices, ...files("", "")];

describe.skipIf(absent.length > 0)("P1: a cell started by root is not the host's root", () => {
  describeAttempts({
    title: "host's root",
    people: roots,
    house,
    names: all.map(({ name }) => name),
    prepare: ({ tunnel }) => {
      const { folder, secret } = makeFiles(tunnel);
      return {
        attempts: [...knobs, ...devices, ...files(folder, secret)],
        flags: ["-m", `${folder}:rw`],
      };
    },
  });

  test.for(roots)("no process of the cell has root's identity on the host", async (person) => {
    await using cell = await startCell(house, person, []);
    const identities = inCell(cell.processes()).map(({ pid }) => {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const numbers = ["Uid", "Gid", "Groups"].map(
        (name) => new RegExp(`^${name}:(.*)$`, "m").exec(status)?.[1] ?? "",
      );
      return numbers.join(" ").trim().split(/\s+/).map(Number);
    });
    // bwrap, cellinit and the command; with socat it is five.
    expect(identities.length).toBeGreaterThanOrEqual(person.tunnel === "socat" ? 5 : 3);
    expect(identities.flat().filter((id) => id < 1000)).toEqual([]);
    // Control: the same look at what root starts without a cell.
    expect(/^Uid:\s+0\s/m.test(readFileSync("/proc/self/status", "utf8"))).toBe(true);
  });
});
