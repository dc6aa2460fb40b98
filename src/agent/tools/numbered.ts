/** Characters of one line that are shown. */
export const LINE_LIMIT = 2000;

/** A line as Read shows it: its number, an arrow, the text; of a very long one its beginning, and how much is missing. */
export function numbered(line: string, number: number, length = line.length): string {
  const text =
    length <= LINE_LIMIT
      ? line
      : `${line.slice(0, LINE_LIMIT)} [${length - LINE_LIMIT} more characters in this line: Bash, cut -c ${LINE_LIMIT + 1}-]`;
  return `${String(number).padStart(6)}→${text}`;
}

/** Some lines of a text with one or two of their neighbours. */
export function excerpt(
  text: string,
  { line, lines }: { readonly line: number; readonly lines: number },
): string {
  const first = Math.max(1, line - 2);
  const shown = Math.min(lines, 40);
  const all = text.split(/\r?\n/);
  const part = all.slice(first - 1, line + shown + 1);
  const more = lines > shown ? [`[${lines - shown} more changed lines]`] : [];
  return [...part.map((each, index) => numbered(each, first + index)), ...more].join("\n");
}
