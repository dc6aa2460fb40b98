import { ToolFault } from "./tool.ts";

const LIMIT = 1000;

/**
 * A pattern for relative paths as a regular expression: `*` and `?` stay within a name, `**` goes through folders,
 * `{a,b}` and `[a-z]` choose. A pattern without a slash means a name at any depth, where `anyDepth` says so.
 */
export function globExpression(pattern: string, { anyDepth = false } = {}): RegExp {
  if (pattern.length > LIMIT)
    throw new ToolFault(`The pattern has ${pattern.length} characters; at most ${LIMIT} can be used.`);
  const plain = pattern.replace(/^\.\//, "");
  const prefix = anyDepth && !plain.includes("/") ? "(?:.*/)?" : "";
  try {
    return new RegExp(`^${prefix}${translate(plain)}$`, "su");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ToolFault(`The pattern "${pattern}" cannot be read: ${error.message}`);
  }
}

const pieces = /\*\*\/|\*\*|\*|\?|\[(!|\^)?([^\]/]+)\]|\\(.)|([{},])|([^*?[\\{},]+|.)/gsu;

function translate(pattern: string): string {
  let depth = 0;
  let made = "";
  for (const [piece, not, choice, escaped, brace, text] of pattern.matchAll(pieces)) {
    if (piece === "**/") made += "(?:[^/]+/)*";
    else if (piece === "**") made += ".*";
    else if (piece === "*") made += "[^/]*";
    else if (piece === "?") made += "[^/]";
    else if (choice !== undefined) made += `[${not ? "^/" : ""}${choice.replace(/[\\\][^|]/gu, "\\$&")}]`;
    else if (brace === "{") {
      depth += 1;
      made += "(?:";
    } else if (brace === "}" && depth > 0) {
      depth -= 1;
      made += ")";
    } else if (brace === "," && depth > 0) made += "|";
    else made += (escaped ?? text ?? brace ?? piece).replace(/[.*+?^${}()|[\]\\/]/gu, "\\$&");
  }
  if (depth > 0) throw new ToolFault(`The pattern "${pattern}" opens a brace and does not close it.`);
  return made;
}
