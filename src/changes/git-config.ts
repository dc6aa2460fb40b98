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
