import type { PresetName } from "./settings.ts";

/** A program found on the host. */
export interface Tool {
  /** Absolute path as found on PATH. */
  readonly path: string;
  /** The same with every symlink resolved. */
  readonly realPath: string;
}

/** A folder that was looked up on disk for a mount request. */
export interface FolderFacts {
  /** Absolute, symlinks resolved. */
  readonly realPath: string;
  readonly uid: number;
  readonly gid: number;
  readonly device: number;
}

/** What a host's own tool says of its configuration, as far as a preset needs it. */
export interface PresetFacts {
  readonly preset: PresetName;
  /** `found: false`: the host has no such tool, and the preset adds nothing. */
  readonly found: boolean;
  /** `host` or `host:port`, as the tool's own configuration names them. */
  readonly hosts: readonly string[];
  /** Variables that make the tool inside behave as the host's is configured (registry, CA file, ...). */
  readonly environment: Readonly<Record<string, string>>;
}

/** What was found on this machine. Gathered once by probe/, and an input to everything pure. */
export interface HostFacts {
  readonly uid: number;
  readonly gid: number;
  readonly arch: "x86_64" | "aarch64";
  readonly kernel: string;
  readonly home: string;
  readonly cwd: string;
  readonly umask: number;
  readonly bwrap: Tool;
  readonly socat: Tool;
  readonly bash: Tool;
  /** Node as it runs Workcell. */
  readonly node: Tool;
  /** Workcell's own native program for mounts; needed by root only. */
  readonly cellhost: string;
  /** Names in `/` that are symlinks into /usr (`bin` -> `usr/bin`), and those that are folders. */
  readonly rootLinks: Readonly<Record<string, string>>;
  readonly rootFolders: readonly string[];
  /** Names in /etc. */
  readonly etc: readonly string[];
  /** Workcell's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folders asked for, by the source as it was written. */
  readonly folders: Readonly<Record<string, FolderFacts>>;
  readonly presets: readonly PresetFacts[];
}
