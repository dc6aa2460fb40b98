/** Larger is no configuration that a new repository starts with. */
const limitCharacters = 64 * 1024;

const flag = /^(true|false|yes|no|on|off|0|1)?$/i;
const remoteName = /^(?!-)[\w./+-]+$/;

/** What a key may say without giving git anything to run. Sections and keys in lower case; `*` is a name of its own. */
const harmless: readonly (readonly [section: string, keys: Readonly<Record<string, RegExp>>])[] = [
  [
    "core",
    {
      repositoryformatversion: /^[01]$/,
      filemode: flag,
      bare: flag,
      logallrefupdates: /^(true|false|always)$/i,
      ignorecase: flag,
      symlinks: flag,
      precomposeunicode: flag,
    },
  ],
  ["extensions", { objectformat: /^(sha1|sha256)$/i }],
  // No `helper::address`, which names a program, and nothing that ssh or git could read as an option.
  [
    "remote *",
    {
      url: /^(?!-)(?!.*::)((https?|ssh|git|file):\/\/(?!-)[^\s]+|[\w.+-]+@(?!-)[\w.-]+:[^\s]+|[./~][^\s]*|[\w.-]+:(?!-|\/\/)[^\s]+)$/,
      fetch: /^\+?refs\/[^\s:]*:refs\/[^\s:]*$/,
    },
  ],
  // Who commits, and how a pull ends: words that git prints, and a choice of its own.
  ["user", { name: /^[^\n]*$/, email: /^[^\s]*$/ }],
  ["init", { defaultbranch: remoteName }],
  ["pull", { rebase: flag, ff: /^(true|false|only)$/i }],
  ["push", { default: /^(nothing|current|upstream|simple|matching)$/i }],
  ["branch *", { remote: remoteName, merge: /^refs\/[^\s:]+$/, rebase: flag }],
];

/**
 * Whether a repository's configuration says nothing but where it came from and how it is stored. Read more strictly
 * than git reads it: what is quoted, continued, included or unknown is not harmless.
 */
export function isHarmlessGitConfig(text: string): boolean {
  if (text.length > limitCharacters || /[^\t\n\x20-\x7e]/.test(text)) return false;
  let keys: Readonly<Record<string, RegExp>> | undefined;
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    if (line.startsWith("[")) {
      keys = keysOf(line);
      if (keys === undefined) return false;
    } else if (keys === undefined || !isHarmlessLine(keys, line)) {
      return false;
    }
  }
  return true;
}

/** The harmless keys of the section that a line opens; undefined: it is none of them, or says more than its name. */
function keysOf(line: string): Readonly<Record<string, RegExp>> | undefined {
  const [, section = "", name] = /^\[([a-zA-Z]+)(?:[ \t]+"([^"\\]+)")?\]$/.exec(line) ?? [];
  const wanted = name === undefined ? section.toLowerCase() : `${section.toLowerCase()} *`;
  return harmless.find(([known]) => known === wanted)?.[1];
}

function isHarmlessLine(keys: Readonly<Record<string, RegExp>>, line: string): boolean {
  const [, key = "", value] = /^([a-zA-Z][a-zA-Z0-9-]*)[ \t]*=[ \t]*([^"\\#;]*)$/.exec(line) ?? [];
  const name = key.toLowerCase();
  return value !== undefined && Object.hasOwn(keys, name) && keys[name]?.test(value.trim()) === true;
}

/** The folder of git hooks that a configuration names last, read as generously as any git would. */
export function hooksPathOf(text: string): string | undefined {
  return settingsOf(text)
    .filter(({ key }) => key === "hookspath")
    .at(-1)?.value;
}

/** The files that a configuration includes, under whatever condition. */
export function includesOf(text: string): readonly string[] {
  return settingsOf(text)
    .filter(({ section, key }) => key === "path" && section.startsWith("include"))
    .map(({ value }) => value);
}

interface Setting {
  /** What stands between the brackets, in lower case. */
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

function settingsOf(text: string): readonly Setting[] {
  const settings: Setting[] = [];
  let section = "";
  for (const line of text
    .slice(0, limitCharacters)
    .replace(/\\\r?\n/g, "")
    .split("\n")) {
    let rest = line.replace(/^\ufeff|^\xef\xbb\xbf/, "").trim();
    for (let head = sectionHead.exec(rest); head !== null; head = sectionHead.exec(rest)) {
      section = (head[1] ?? "").trim().toLowerCase();
      rest = rest.slice(head[0].length).trim();
    }
    const [, key, value] = /^([a-zA-Z][a-zA-Z0-9-]*)[ \t]*=(.*)$/.exec(rest) ?? [];
    if (key !== undefined && value !== undefined) {
      settings.push({ section, key: key.toLowerCase(), value: plainValue(value.trim()) });
    }
  }
  return settings;
}

const sectionHead = /^\[((?:"(?:\\.|[^"\\])*"|[^\]"])*)\]/;

/** A value up to its comment, its quotes and escapes undone. */
function plainValue(value: string): string {
  let plain = "";
  let isQuoted = false;
  for (let at = 0; at < value.length; at++) {
    const character = value[at] ?? "";
    if (character === '"') isQuoted = !isQuoted;
    else if (character === "\\") plain += value[++at] ?? "";
    else if (!isQuoted && (character === "#" || character === ";")) break;
    else plain += character;
  }
  return plain.trim();
}
