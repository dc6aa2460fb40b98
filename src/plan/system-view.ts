import type { HostFacts, PlannedMount } from "../model/index.ts";

const MIB = 1024 * 1024;

/** True for paths that every user of the host may walk to, and that a cell sees as they are. */
export const isSystem = (path: string) => /^\/(usr|bin|sbin|lib\w*|opt|etc|proc|sys)(\/|$)/.test(path);

/**
 * What of /etc a cell sees, when the host has it. Every entry is a mount that every start waits for, so what programs
 * do without is not here; files with credentials (npmrc, pip.conf, gitconfig) never are.
 */
const visibleEtc: readonly string[] = [
  ...["alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d"],
  ...["ssl", "pki", "crypto-policies"],
  ...["os-release", "debian_version", "lsb-release", "redhat-release", "localtime"],
  ...["services", "protocols", "mime.types", "inputrc"],
  ...["profile", "profile.d", "bash.bashrc", "vim", "fonts"],
  ...["java-11-openjdk", "java-17-openjdk", "java-21-openjdk", "java", "maven", "perl"],
  ...[
    "python3",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "libreoffice",
    "php",
    "R",
  ],
];

/** Kernel interfaces that stay readable and cannot be written, whoever the cell's user is outside. */
const coveredProc = [
  "/proc/sys",
  "/proc/sysrq-trigger",
  "/proc/irq",
  "/proc/bus",
  "/proc/scsi",
  "/proc/acpi",
];

/** How runtimes learn how many CPUs there are. */
const cpuFolder = "/sys/devices/system/cpu";

const packagePaths = [
  ...["/var/lib/dpkg", "/etc/dpkg", "/etc/apt/sources.list", "/etc/apt/sources.list.d"],
  ...["/etc/apt/trusted.gpg.d", "/etc/apt/preferences.d", "/etc/apt/keyrings"],
];

/** Host paths that a plan shows or covers where they exist; probe/ is asked about them. */
export const optionalPaths: readonly string[] = [...coveredProc, cpuFolder, ...packagePaths];

function rootFolders(facts: HostFacts): PlannedMount[] {
  const links = Object.entries(facts.rootLinks).map(
    ([name, text]): PlannedMount => ({
      kind: "symlink",
      target: `/${name}`,
      source: text,
      reason: "merged /usr, as on the host",
    }),
  );
  const folders = facts.rootFolders.map(
    (name): PlannedMount => ({
      kind: "ro-bind",
      target: `/${name}`,
      source: `/${name}`,
      reason: "programs and libraries",
    }),
  );
  return [...folders, ...links];
}

function kernelFolders(facts: HostFacts): PlannedMount[] {
  return [
    { kind: "proc", target: "/proc", reason: "the cell's own processes only" },
    ...coveredProc
      .filter((path) => facts.existing.includes(path))
      .map(
        (target): PlannedMount => ({
          kind: "ro-bind",
          target,
          source: target,
          reason: "kernel knobs: readable, never writable",
        }),
      ),
    { kind: "dev", target: "/dev", reason: "null, zero, full, random, urandom, tty and an own pts" },
    { kind: "tmpfs", target: "/dev/shm", size: 512 * MIB, perms: "1777", reason: "shared memory, sized" },
    ...[cpuFolder]
      .filter((path) => facts.existing.includes(path))
      .map(
        (target): PlannedMount => ({
          kind: "ro-bind",
          target,
          source: target,
          reason: "how runtimes size themselves",
        }),
      ),
  ];
}

function etc(facts: HostFacts, files: readonly string[], cellFolder: string): PlannedMount[] {
  const shown = visibleEtc.filter((name) => facts.etc.includes(name));
  return [
    ...shown.map((name): PlannedMount => {
      const target = `/etc/${name}`;
      const link = facts.etcLinks[name];
      // Programs read the zone's name from the link itself; and a link costs a start nothing, a mount 0.1 ms.
      if (link !== undefined) return { kind: "symlink", target, source: link, reason: "as on the host" };
      return { kind: "ro-bind", target, source: target, reason: "system configuration without secrets" };
    }),
    ...files.map(
      (file): PlannedMount => ({
        kind: "ro-bind",
        target: `/${file}`,
        source: `${cellFolder}/${file}`,
        reason: "written for this cell",
      }),
    ),
    { kind: "symlink", target: "/etc/mtab", source: "/proc/self/mounts", reason: "expected by old programs" },
  ];
}

/** Where the host's packages come from, for the preset apt. */
export function planPackageSources(facts: HostFacts): PlannedMount[] {
  if (!facts.presets.some(({ preset, found }) => preset === "apt" && found)) return [];
  return packagePaths
    .filter((path) => facts.existing.includes(path))
    .map((path) => ({
      kind: "ro-bind",
      target: path,
      source: path,
      reason: "preset apt: where packages come from",
    }));
}

/** The read-only system a cell runs on: programs, kernel interfaces, configuration. */
export function planSystemView(
  facts: HostFacts,
  files: readonly string[],
  cellFolder: string,
): PlannedMount[] {
  return [
    ...rootFolders(facts),
    ...kernelFolders(facts),
    ...etc(facts, files, cellFolder),
    { kind: "dir", target: "/run", perms: "0755", reason: "empty: no socket of the host" },
  ];
}
