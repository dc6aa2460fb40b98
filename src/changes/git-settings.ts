/** One setting of git's, as a configuration says it. */
export interface GitSetting {
  /** What stands between the brackets, up to a name of its own, in lower case: `core`, `includeif`. */
  readonly section: string;
  readonly key: string;
  /** Quotes, escapes and comments undone. */
  readonly value: string;
}

const sectionHead = /^\[((?:"(?:\\.|[^"\\])*"|[^\]"])*)\]/;

/** The settings of a configuration in their order, read as generously as any git would. */
export function readGitSettings(text: string): readonly GitSetting[] {
  const settings: GitSetting[] = [];
  let section = "";
  for (const line of text.replace(/\\\r?\n/g, "").split("\n")) {
    let rest = line.replace(/^\ufeff|^\xef\xbb\xbf/, "").trim();
    for (let head = sectionHead.exec(rest); head !== null; head = sectionHead.exec(rest)) {
      section = /^\s*([^\s."]*)/.exec(head[1] ?? "")?.[1]?.toLowerCase() ?? "";
      rest = rest.slice(head[0].length).trim();
    }
    const [, key, value] = /^([a-zA-Z][a-zA-Z0-9-]*)[ \t]*=(.*)$/.exec(rest) ?? [];
    if (key !== undefined && value !== undefined) {
      settings.push({ section, key: key.toLowerCase(), value: plainValue(value.trim()) });
    }
  }
  return settings;
}

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

/** What a configuration makes git read or run, by the path it says. */
export interface GitNamed {
  /** `include`: more configuration. `tree`: all that lies below acts. `file`: the file itself. `worktree`: where the files lie. */
  readonly kind: "include" | "tree" | "file" | "worktree";
  readonly said: string;
  /** What comes of it, with the setting. */
  readonly reason: string;
}

/** Keys whose value is a command line, or a program. */
const programs =
  /^(core\.(fsmonitor|sshcommand|editor|pager|askpass|gitproxy|alternaterefscommand)|sequence\.editor|interactive\.difffilter|credential\.helper|gpg\.(program|defaultkeycommand)|(diff|trailer|hook)\.(external|command|textconv|cmd)|(difftool|mergetool|man|browser|web|guitool|tar|submodule)\.(cmd|path|command|update)|filter\.(clean|smudge|process)|merge\.driver|pager\..*|uploadpack\.packobjectshook|receive\.procreceiverefs|remote\.(uploadpack|receivepack|vcs)|sendemail\..*cmd|instaweb\.httpd|imap\.tunnel)$/;
const mostWords = 64;

/** What of a configuration leads git to other files. */
export function namedByGitConfig(text: string): readonly GitNamed[] {
  return readGitSettings(text).flatMap((setting) => [...namedBy(setting)]);
}

function* namedBy({ section, key, value }: GitSetting): Iterable<GitNamed> {
  const setting = `${section}.${key}`;
  if (/^include(if)?$/.test(section) && key === "path") {
    yield { kind: "include", said: value, reason: `git's configuration includes "${value}"` };
  } else if (setting === "core.hookspath") {
    yield { kind: "tree", said: value, reason: `git runs it: core.hooksPath is "${value}"` };
  } else if (setting === "init.templatedir") {
    yield { kind: "tree", said: value, reason: `git copies hooks from it: init.templateDir is "${value}"` };
  } else if (setting === "core.attributesfile") {
    yield { kind: "file", said: value, reason: `git chooses filters by it: ${setting} is "${value}"` };
  } else if (setting === "core.worktree") {
    yield { kind: "worktree", said: value, reason: "" };
  } else if (programs.test(setting) || (section === "alias" && value.startsWith("!"))) {
    const reason = `git runs it: ${setting} is "${value}"`;
    for (const said of filesIn(value)) yield { kind: "file", said, reason };
  }
}

/** The words of a command that may be files of a project: what has a slash, or an ending as scripts have. */
function filesIn(command: string): readonly string[] {
  const words = command.split(/[\s"'`=;|&()<>!]+/, mostWords);
  return words.filter((word) => /^[\w.~/@+][\w./@+-]*$/.test(word) && /\/|\w\.\w+$/.test(word));
}
