/** One part of a pattern: `*` and `?` within a name, `[...]` one of some characters. */
function partExpression(part: string): string {
  return part.replace(/\[[^\]]+\]|[*?]|[^*?[]+|\[/g, (piece) => {
    if (piece === "*") return "[^/]*";
    if (piece === "?") return "[^/]";
    if (!piece.startsWith("[") || piece.length < 3) return piece.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    return `[${piece.slice(1, -1).replace(/[\\\]^]/g, "\\$&")}]`;
  });
}

/**
 * Reads an absolute pattern. `base` is the folder before its first part with `*`, `?` or `[`; `fits` compares absolute
 * paths. `**` is any number of folders, none included.
 */
export function patternMatcher(pattern: string): {
  readonly base: string;
  readonly fits: (path: string) => boolean;
} {
  const parts = pattern.split("/").slice(1);
  const first = parts.findIndex((part) => /[*?[\]]/.test(part));
  const expression = parts
    .map((part, index) => {
      const isLast = index === parts.length - 1;
      if (part === "**") return isLast ? "/.*" : "(?:/[^/]+)*";
      return `/${partExpression(part).replaceAll("[^/]*[^/]*", ".*")}`;
    })
    .join("");
  const compiled = new RegExp(`^${expression}$`, "s");
  return { base: `/${parts.slice(0, Math.max(first, 0)).join("/")}`, fits: (path) => compiled.test(path) };
}
