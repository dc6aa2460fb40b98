/** One value of git's configuration and the file it stands in. */
export interface GitValue {
  readonly file: string | undefined;
  /** Lower case but for the part between the first and the last dot, as git prints it. */
  readonly key: string;
  readonly value: string;
}

/** Reads `git config --show-origin --list -z`: origin, NUL, key, newline, value, NUL. */
export function parseGitConfig(listing: string): readonly GitValue[] {
  const parts = listing.split("\0");
  const values: GitValue[] = [];
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const [origin = "", entry = ""] = parts.slice(index, index + 2);
    const end = entry.indexOf("\n");
    // A key without `=` is git's way to say true.
    const [key, value] = end < 0 ? [entry, "true"] : [entry.slice(0, end), entry.slice(end + 1)];
    values.push({ file: origin.startsWith("file:") ? origin.slice(5) : undefined, key, value });
  }
  return values;
}

/** `url.BASE.insteadOf`: what begins with `prefix` is fetched from, or pushed to, `base`. */
export interface Rewrite {
  readonly base: string;
  readonly kind: "insteadOf" | "pushInsteadOf";
  readonly prefix: string;
}

/** The rewriting rules among the values, in their order. */
export function rewritesOf(values: readonly GitValue[]): readonly Rewrite[] {
  return values.flatMap(({ key, value }) => {
    const [, base, kind] = /^url\.(.+)\.(insteadof|pushinsteadof)$/s.exec(key) ?? [];
    if (base === undefined) return [];
    return [{ base, kind: kind === "insteadof" ? ("insteadOf" as const) : "pushInsteadOf", prefix: value }];
  });
}
