import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { realPlace } from "../lib/real-place.ts";
import { cacheFolder, configFolder, stateFolder } from "../lib/xdg-folders.ts";
import type { FolderFacts, HostFacts, MountRequest, PresetFacts, Sourced } from "../model/index.ts";
import { pathFolders, requireTool } from "./find-tool.ts";
import { probeHomeTools } from "./home-tools.ts";
import { probeLimits } from "./limits.ts";
import { isInsideAny } from "./trusted-path.ts";

export interface HostQuestions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly home: string;
  /** Absolute paths of the built native programs. */
  readonly cellhost: string;
  readonly cellinit: string;
  readonly mounts: readonly Sourced<MountRequest>[];
  /** Variables that may name a CA file. */
  readonly caVariables: readonly string[];
  /** Paths that a plan may want to show or cover. */
  readonly paths: readonly string[];
  readonly presets: readonly PresetFacts[];
  /** CPUs that the cell may use: where the host has more, /proc/cpuinfo is read too. */
  readonly cpus: number;
}

function architecture(): HostFacts["arch"] {
  if (process.arch === "x64") return "x86_64";
  if (process.arch === "arm64") return "aarch64";
  throw new WorkcellError("WC_HOST", {
    message: `Cannot start a cell: this machine is "${process.arch}", and x64 or arm64 is needed`,
    remedy: "Run Workcell on an x86_64 or arm64 machine",
  });
}

/** Opens a path without any right on what it leads to (open(2)); Node has no name for it. */
const O_PATH = 0o10000000;

/** The folder is opened, and then asked for its place and identity: two looks by name could meet two folders. */
function lookUp(file: string): FolderFacts | undefined {
  const fd = openSync(file, O_PATH);
  try {
    const found = fstatSync(fd);
    if (!found.isDirectory()) return undefined;
    const { uid, gid, dev: device, ino: inode } = found;
    return { realPath: readlinkSync(`/proc/self/fd/${fd}`), uid, gid, device, inode };
  } finally {
    closeSync(fd);
  }
}

/** overlayfs shows none of what is mounted below a folder that it merges. */
function mountsBelow(folder: string): readonly string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  // The kernel writes space, tab, newline and backslash in octal.
  const points = lines.map((line) =>
    (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    ),
  );
  return points.filter((point) => point.startsWith(`${folder}/`));
}

function refuseOutside(request: Sourced<MountRequest>, realPath: string): void {
  const { source, mode, within } = request.value;
  if (within === undefined || within === "/" || isInsideAny(realPath, [within])) return;
  throw new WorkcellError("WC_MOUNT", {
    message: `Cannot connect the folder "${source}" (${request.origin}): it lies at "${realPath}", and a folder's own file may connect only what is in "${within}"`,
    remedy: `Take it out of the file, or name it yourself: workcell run -m ${source}:${mode} ...`,
  });
}

/** Looks up one folder that is to be connected. Throws WC_MOUNT when there is no such folder, or it lies elsewhere. */
export function probeFolder(request: Sourced<MountRequest>, cwd: string): FolderFacts {
  const { source } = request.value;
  let found: FolderFacts | undefined;
  try {
    found = lookUp(path.resolve(cwd, source));
  } catch (error) {
    const why =
      codeOf(error) === "ENOENT" ? "it does not exist" : `it cannot be looked up (${codeOf(error)})`;
    throw new WorkcellError("WC_MOUNT", {
      message: `Cannot connect the folder "${source}" (${request.origin}): ${why}`,
      remedy: "Name a folder that exists: -m DIR",
      cause: error,
    });
  }
  if (found !== undefined) {
    // The link may lead elsewhere than it did when the settings were read.
    refuseOutside(request, found.realPath);
    if (request.value.mode === "ro" || request.value.mode === "rw") return found;
    return { ...found, mountedBelow: mountsBelow(found.realPath) };
  }
  throw new WorkcellError("WC_MOUNT", {
    message: `Cannot connect "${source}" (${request.origin}): it is a file, and a folder is needed`,
    remedy: "Connect the folder that it is in: -m DIR",
  });
}

/** `bin -> usr/bin` and its like: which names in `/` are links, which are folders. */
function probeRoot(): Pick<HostFacts, "rootLinks" | "rootFolders"> {
  const rootLinks: Record<string, string> = {};
  const rootFolders: string[] = [];
  for (const name of ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt"]) {
    const found = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) rootLinks[name] = readlinkSync(`/${name}`);
    else if (found?.isDirectory()) rootFolders.push(name);
  }
  return { rootLinks, rootFolders };
}

function probeEtc(): Pick<HostFacts, "etc" | "etcLinks"> {
  const etcLinks: Record<string, string> = {};
  const entries = readdirSync("/etc", { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isSymbolicLink())) {
    const target = readlinkSync(`/etc/${name}`);
    if (path.resolve("/etc", target).startsWith("/usr/")) etcLinks[name] = target;
  }
  return { etc: entries.map(({ name }) => name), etcLinks };
}

function probeCaFiles(questions: HostQuestions): Record<string, string> {
  const named = [questions.env, ...questions.presets.map((preset) => preset.environment)].flatMap((values) =>
    questions.caVariables.map((name) => values[name]),
  );
  const files = [...new Set(named)].filter(
    (file) => file !== undefined && path.isAbsolute(file) && existsSync(file),
  );
  return Object.fromEntries(files.map((file = "") => [file, realpathSync(file)]));
}

function probeSubuids(): HostFacts["subuids"] {
  if (process.getuid?.() !== 0 || !existsSync("/etc/subuid")) return [];
  const lines = readFileSync("/etc/subuid", "utf8").split("\n");
  return lines.flatMap((line) => {
    const [owner = "", first, count] = line.split(":");
    return count === undefined ? [] : [{ owner, first: Number(first), count: Number(count) }];
  });
}

/** The uids of the user namespace that Workcell is in: a rootless container's root has a few of the machine's. */
function probeUidMap(): NonNullable<HostFacts["uidMap"]> {
  const lines = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n");
  return lines.map((line) => {
    const [first, , count] = line.trim().split(/\s+/).map(Number);
    return { first: first ?? 0, count: count ?? 0 };
  });
}

function probeNode(): Pick<HostFacts, "node" | "nodeFolders"> {
  const realPath = realpathSync.native(process.execPath);
  const bin = path.dirname(realPath);
  const modules = path.join(path.dirname(bin), "lib/node_modules");
  return {
    node: { path: process.execPath, realPath },
    nodeFolders: existsSync(modules) ? [bin, modules] : [bin],
  };
}

function probeOwn({ env, home }: HostQuestions): HostFacts["own"] {
  return {
    records: realPlace(stateFolder(env, home)),
    steering: [configFolder(env, home), cacheFolder(env, home)].map(realPlace),
  };
}

/** Asks the machine everything that a plan needs, once. Spawns nothing. */
export function probeHost(questions: HostQuestions): HostFacts {
  const { env, cwd } = questions;
  const folders = Object.fromEntries(
    questions.mounts.map((request) => [request.value.source, probeFolder(request, cwd)]),
  );
  const searchPath = pathFolders(env["PATH"]);
  const untrusted = Object.values(folders).map((folder) => folder.realPath);
  return {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    arch: architecture(),
    kernel: os.release(),
    home: realPlace(questions.home),
    cwd,
    own: probeOwn(questions),
    umask: process.umask(),
    bwrap: requireTool("bwrap", searchPath, untrusted),
    socat: requireTool("socat", searchPath, untrusted),
    bash: requireTool("bash", searchPath, untrusted),
    ...probeNode(),
    homeTools: probeHomeTools({ home: questions.home, path: searchPath, untrusted, env }),
    cellhost: questions.cellhost,
    cellinit: questions.cellinit,
    path: searchPath,
    ...probeRoot(),
    ...probeEtc(),
    existing: questions.paths.filter((file) => existsSync(file)),
    caFiles: probeCaFiles(questions),
    environment: env,
    folders,
    subuids: probeSubuids(),
    uidMap: probeUidMap(),
    limits: probeLimits(questions.cpus),
    presets: questions.presets,
  };
}
