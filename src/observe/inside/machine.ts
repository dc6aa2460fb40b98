import { lstatSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import os from "node:os";
import type { Disk, InsideView } from "../../report/index.ts";

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // What is hidden from the cell is not part of what it sees.
    return "";
  }
}

function field(text: string, ...names: readonly string[]): string {
  const found = names.map((name) => new RegExp(`^${name}\\s*: (.*)$`, "im").exec(text)?.[1]);
  return found.find((value) => value !== undefined)?.trim() ?? "";
}

function readCpu(): InsideView["cpu"] {
  const text = readIfThere("/proc/cpuinfo");
  const bogomips = field(text, "bogomips");
  const model = field(text, "model name") || `implementer ${field(text, "CPU implementer") || "not named"}`;
  return {
    count: os.availableParallelism(),
    model: bogomips ? `${model}, ${bogomips} BogoMIPS` : model,
    features: field(text, "flags", "Features").split(" ").filter(Boolean),
  };
}

/** The file system that a folder lies on: the longest mount point that leads to it. */
function readDisk(folder: string): Disk {
  const { blocks, bsize } = statfsSync(folder);
  const mounts = readIfThere("/proc/mounts").split("\n");
  const above = mounts
    .map((line) => line.split(" "))
    .filter(
      ([, point = ""]) => folder === point || folder.startsWith(point.endsWith("/") ? point : `${point}/`),
    )
    .sort(([, a = ""], [, b = ""]) => a.length - b.length);
  return { bytes: blocks * bsize, type: above.at(-1)?.[2] ?? "" };
}

function readDistribution(): string {
  const text = readIfThere("/etc/os-release") || readIfThere("/usr/lib/os-release");
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? "no os-release";
}

/** Ports that a process of the same network namespace listens on. */
function readListening(): number[] {
  const lines = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => readIfThere(file).split("\n"));
  const ports = lines.flatMap((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    return state === "0A" ? [Number.parseInt(local.split(":").at(-1) ?? "", 16)] : [];
  });
  return [...new Set(ports)].sort((a, b) => a - b);
}

function readInterfaces(): string[] {
  const lines = readIfThere("/proc/net/dev").split("\n").slice(2);
  return lines.map((line) => line.split(":")[0]?.trim() ?? "").filter(Boolean);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // A folder that is not there holds nothing.
    return [];
  }
}

function readUser(): InsideView["user"] {
  const uid = process.getuid?.() ?? -1;
  const entry = readIfThere("/etc/passwd")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([, , id]) => id === `${uid}`);
  return { name: entry?.[0] ?? "", uid, home: process.env["HOME"] ?? "", cwd: process.cwd() };
}

/** The machine as it looks from here. */
export function readMachine() {
  const proxies = Object.entries(process.env).filter(([name]) => /_proxy$/i.test(name));
  return {
    hostname: os.hostname(),
    distribution: readDistribution(),
    kernel: `${os.type()} ${os.release()} ${os.version()}`,
    arch: os.machine(),
    cpu: readCpu(),
    disks: { root: readDisk("/"), system: readDisk("/usr"), home: readDisk(process.env["HOME"] ?? "/") },
    user: readUser(),
    proxies: Object.fromEntries(proxies.map(([name, value]) => [name, value ?? ""])),
    interfaces: readInterfaces(),
    listening: readListening(),
    sockets: list("/tmp")
      .map((name) => `/tmp/${name}`)
      .filter((file) => lstatSync(file).isSocket()),
    rootFolders: list("/"),
    sessions: list("/sessions"),
  };
}
