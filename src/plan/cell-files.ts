import type { HostFacts, PlannedFile } from "../model/index.ts";

interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly home: string;
}

const lines = (...text: string[]) => `${text.join("\n")}\n`;

/** apt as an ordinary user: lists and cache in the home, the host's package state as it is. */
function aptConfiguration(home: string): string {
  return lines(
    `Dir::State "${home}/.local/state/apt";`,
    `Dir::Cache "${home}/.cache/apt";`,
    'Dir::State::status "/var/lib/dpkg/status";',
    'Dir::Log "/dev/null";',
    // The host's own parts may name its proxy and its hooks; without this line apt complains that there are none.
    'Dir::Etc::parts "/dev/null";',
    'APT::Sandbox::User "";',
    'Debug::NoLocking "true";',
  );
}

/** The small files in which a cell is a machine of its own: its users, its names, its way out. */
export function planCellFiles(identity: Identity, hostname: string, facts: HostFacts): PlannedFile[] {
  const { uid, gid, user, home } = identity;
  const files: PlannedFile[] = [
    {
      path: "etc/passwd",
      content: lines(
        "root:x:0:0:root:/root:/usr/sbin/nologin",
        `${user}:x:${uid}:${gid}:${user}:${home}:/bin/bash`,
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
      ),
    },
    { path: "etc/group", content: lines("root:x:0:", `${user}:x:${gid}:`, "nogroup:x:65534:") },
    // One address for `localhost`: a client that tried ::1 first would be refused by the forwarders.
    {
      path: "etc/hosts",
      content: lines("127.0.0.1 localhost", `127.0.0.1 ${hostname}`, "::1 ip6-localhost"),
    },
    { path: "etc/hostname", content: lines(hostname) },
    {
      path: "etc/resolv.conf",
      content: lines("# Names resolve at the gate: localhost:3128 (HTTP), localhost:1080 (SOCKS5h)."),
    },
    {
      path: "etc/nsswitch.conf",
      content: lines("passwd: files", "group: files", "hosts: files", "services: files"),
    },
    {
      path: "etc/ssh/ssh_config",
      content: lines("Host *", "  ProxyCommand socat - PROXY:localhost:%h:%p,proxyport=3128"),
    },
  ];
  const apt = facts.presets.some((preset) => preset.preset === "apt" && preset.found);
  return apt ? [...files, { path: "etc/workcell/apt.conf", content: aptConfiguration(home) }] : files;
}
