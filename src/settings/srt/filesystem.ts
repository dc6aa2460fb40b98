import { isInside } from "../../lib/is-inside.ts";
import type { MountRequest, PathRule, SettingsDifference, Sourced } from "../../model/index.ts";
import type { Layer } from "../layer.ts";
import { type NamedPath, readEntry, type SrtPlace } from "./place.ts";
import { mandatoryNames } from "./protected-names.ts";
import type { SrtEntry, SrtFile } from "./schema.ts";

/** A path with the key that names it. */
export interface Named extends NamedPath {
  readonly key: string;
}

export interface Lists {
  readonly denyRead: readonly Named[];
  readonly allowRead: readonly Named[];
  readonly allowWrite: readonly Named[];
  readonly denyWrite: readonly Named[];
}

type From = (key: string) => string;

function readLists({ filesystem, credentials }: SrtFile, place: SrtPlace): Lists {
  const read = (key: string, entries: readonly SrtEntry[] = []) =>
    entries.map((entry, index) => ({ key: `${key}[${index}]`, ...readEntry(entry, place) }));
  const secret = (credentials?.files ?? []).map(({ path }, index) => ({
    key: `credentials.files[${index}]`,
    ...readEntry(path, place),
  }));
  return {
    denyRead: [...read("filesystem.denyRead", filesystem.denyRead), ...secret],
    allowRead: read("filesystem.allowRead", filesystem.allowRead),
    allowWrite: read("filesystem.allowWrite", filesystem.allowWrite),
    denyWrite: read("filesystem.denyWrite", filesystem.denyWrite),
  };
}

const systemFolder = /^\/(bin|boot|dev|etc|lib\w*|opt|proc|run|sbin|sys|usr|var)$|^\/(dev|proc|sys|usr)\//;

/** Why a folder is not connected, as plan/ would refuse it; undefined when it can be. */
function whyNot({ real }: Pick<NamedPath, "real">, home: string): string | undefined {
  if (real === "/tmp" || real === "/var/tmp") return "the cell has a folder for temporary files of its own";
  if (isInside(home, real)) return "your whole home is in it, and no cell is connected to that";
  if (systemFolder.test(real)) return "it belongs to the system, of which a cell sees what programs need";
  return undefined;
}

type Found = {
  readonly mount?: MountRequest;
  readonly difference?: SettingsDifference;
};

const folder = (source: string, mode: "ro" | "rw"): Found => ({ mount: { source, mode, implied: true } });

function writable(named: Named, lists: Lists, { home }: SrtPlace): Found {
  const { key, real, is, path } = named;
  const say = (theirs: string, ours: string, kind: SettingsDifference["is"]): Found => ({
    difference: { key, theirs, ours: `"${path}" ${ours}`, is: kind },
  });
  if (is === "pattern") return say("patterns are skipped", "is no path: skipped as well", "without effect");
  if (is === "absent") return say("skipped: it does not exist", "is skipped as well", "without effect");
  const why = whyNot(named, home);
  const own = real.startsWith("/dev/") || real === "/tmp" || real === "/var/tmp";
  if (why !== undefined) {
    return say(
      "can be written to",
      own ? "is the cell's own" : `is not connected: ${why}`,
      own ? "another way" : "stricter",
    );
  }
  if (is === "folder") return folder(real, "rw");
  const around = lists.allowWrite.some((other) => other.is === "folder" && isInside(real, other.real));
  return around
    ? {}
    : say("a single file can be written to", "is not connected: name its folder", "stricter");
}

function readable(named: Named, earlier: readonly Found[], { home }: SrtPlace): Found {
  const { key, real, is, path } = named;
  const isThere = earlier.some(({ mount }) => mount !== undefined && isInside(real, mount.source));
  if (isThere || systemFolder.test(real) || isInside(real, "/etc") || isInside(real, "/opt")) return {};
  if (is === "folder" && whyNot(named, home) === undefined) return folder(real, "ro");
  if (is === "absent" || is === "pattern") return {};
  const ours = `"${path}" is not connected: ${whyNot(named, home) ?? "name its folder"}`;
  return { difference: { key, theirs: "can be read", ours, is: "stricter" } };
}

/** What counts for a path is the rule that lies nearest to it; at the same place the one that allows. */
function mayRead(place: string, { denyRead, allowRead, allowWrite }: Lists): boolean {
  const nearest = (rules: readonly Named[]) =>
    Math.max(-1, ...rules.filter(({ real }) => isInside(place, real)).map(({ real }) => real.length));
  return nearest([...allowRead, ...allowWrite]) >= nearest(denyRead);
}

/** Where the command starts there as well: in the working directory, which may be read like everything else. */
function workingFolder(lists: Lists, place: SrtPlace, mode: "ro" | "rw"): Found {
  const cwd = readEntry({ path: place.cwd, literal: true }, place);
  const why = whyNot(cwd, place.home);
  if (why === undefined && mayRead(cwd.real, lists)) return folder(cwd.real, mode);
  const ours = `"${place.cwd}" is not connected: ${why ?? "it may not be read"}`;
  return {
    difference: { key: "(the working directory)", theirs: "the command starts in it", ours, is: "stricter" },
  };
}

function ruleOf(effect: PathRule["effect"], named: Named): PathRule {
  const { is, path, real } = named;
  return is === "pattern" ? { effect, path, pattern: true } : { effect, path: is === "absent" ? path : real };
}

function rulesOf(lists: Lists, file: SrtFile, roots: readonly string[]) {
  const { filesystem, mandatoryDenySearchDepth: depth = 3 } = file;
  const of = (effect: PathRule["effect"], names: readonly Named[]) =>
    names.map((named) => [named.key, ruleOf(effect, named)] as const);
  const names = mandatoryNames(filesystem.allowGitConfig === true);
  return [
    ...of("hide", lists.denyRead),
    ...of("show", lists.allowRead),
    ...of("freeze", lists.denyWrite),
    ...roots.map((path): readonly [string, PathRule] => [
      "its mandatory denials",
      { effect: "freeze", path, names, depth },
    ]),
  ];
}

/** Every folder that is written to live protects its git configuration; this key lifts that as --allow-path does. */
const configsOf = ({ filesystem }: SrtFile, roots: readonly string[]): readonly string[] =>
  filesystem.allowGitConfig === true ? roots.map((root) => `${root}/.git/config`) : [];

/** A folder once, for writing if it is named for that too. */
function once(found: readonly Found[]): readonly MountRequest[] {
  const bySource = new Map<string, MountRequest>();
  for (const { mount } of found) {
    if (mount === undefined) continue;
    const other = bySource.get(mount.source);
    if (other === undefined || (other.mode === "ro" && mount.mode === "rw"))
      bySource.set(mount.source, mount);
  }
  return [...bySource.values()];
}

/** What lies in another one of them is there already, in its mode, unless something around it is hidden. */
function outermost(mounts: readonly MountRequest[], { denyRead }: Lists): readonly MountRequest[] {
  const isShownAgain = (inner: MountRequest, outer: MountRequest) =>
    denyRead.some(({ real }) => isInside(inner.source, real) && isInside(real, outer.source));
  const within = (inner: MountRequest, outer: MountRequest) =>
    inner !== outer &&
    (inner.mode === outer.mode || inner.mode === "ro") &&
    isInside(inner.source, outer.source) &&
    !isShownAgain(inner, outer);
  return mounts.filter((mount) => !mounts.some((other) => within(mount, other)));
}

/** The part of a layer that says what of the host's files a cell sees and writes. */
export function readFilesystem(file: SrtFile, place: SrtPlace, from: From): Layer {
  const disabled = file.filesystem.disabled === true;
  const none: Lists = { denyRead: [], allowRead: [], allowWrite: [], denyWrite: [] };
  const lists = disabled ? none : readLists(file, place);
  const start = workingFolder(lists, place, disabled ? "rw" : "ro");
  const written = lists.allowWrite.map((named) => writable(named, lists, place));
  const read = lists.allowRead.map((named) => readable(named, [start, ...written], place));
  const found = [start, ...written, ...read];
  const mounts = outermost(once(found), lists);
  const cwd = start.mount?.source;
  const keys = [
    "filesystem",
    ...lists.allowWrite.map(({ key }) => key),
    ...lists.allowRead.map(({ key }) => key),
  ];
  const keyOf = (mount: MountRequest) => keys[found.findIndex((one) => one.mount === mount)] ?? "filesystem";
  const roots = disabled ? [] : mounts.filter(({ mode }) => mode === "rw").map(({ source }) => source);
  const allowPaths = configsOf(file, roots).map((value) => ({
    value,
    origin: from("filesystem.allowGitConfig"),
  }));
  return {
    ...(allowPaths.length > 0 && { allowPaths }),
    mounts: mounts.map((value): Sourced<MountRequest> => ({ value, origin: from(keyOf(value)) })),
    ...(cwd !== undefined &&
      mounts[0]?.source !== cwd && { workdir: { value: cwd, origin: from("filesystem") } }),
    pathRules: disabled
      ? []
      : rulesOf(lists, file, roots).map(([name, value]) => ({ value, origin: from(name) })),
    differences: found.flatMap(({ difference }) =>
      difference === undefined ? [] : [{ value: difference, origin: from(difference.key) }],
    ),
  };
}
