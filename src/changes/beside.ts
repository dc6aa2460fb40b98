import { printableLines } from "../lib/printable.ts";
import { readable } from "./byte-path.ts";

/** Below it two columns hold too little to be read. */
export const NARROWEST = 60;

const gap = " | ";

interface Row {
  readonly left: string;
  readonly right: string;
  readonly isSame: boolean;
}

const shownOf = (line: string): string => printableLines(readable(line.slice(1))).replaceAll("\t", "    ");

/** Lines that go beside lines that come; what is on both sides stands on both. */
function rowsOf(lines: readonly string[]): readonly Row[] {
  const rows: Row[] = [];
  let [gone, come]: [string[], string[]] = [[], []];
  const settle = () => {
    for (let index = 0; index < Math.max(gone.length, come.length); index++)
      rows.push({ left: gone[index] ?? "", right: come[index] ?? "", isSame: false });
    [gone, come] = [[], []];
  };
  for (const line of lines) {
    if (line.startsWith("-")) gone.push(shownOf(line));
    else if (line.startsWith("+")) come.push(shownOf(line));
    else {
      settle();
      const same = shownOf(line);
      rows.push({ left: same, right: same, isSame: true });
    }
  }
  settle();
  return rows;
}

/** A long line goes on below: nothing of it is cut. */
function pieces(text: string, width: number): readonly string[] {
  const characters = [...text];
  const count = Math.max(1, Math.ceil(characters.length / width));
  return Array.from({ length: count }, (_, index) =>
    characters.slice(index * width, (index + 1) * width).join(""),
  );
}

const padded = (text: string, width: number): string => text + " ".repeat(width - [...text].length);

function linesOfRow({ left, right, isSame }: Row, width: number, colour: boolean): readonly string[] {
  const [lefts, rights] = [pieces(left, width), pieces(right, width)];
  const paint = (text: string, code: string) => (colour && !isSame ? `\x1b[${code}m${text}\x1b[0m` : text);
  return Array.from({ length: Math.max(lefts.length, rights.length) }, (_, index) => {
    const one = paint(padded(lefts[index] ?? "", width), "31");
    return `${one}${gap}${paint(rights[index] ?? "", "32")}`.trimEnd();
  });
}

/**
 * A patch of two versions of a text side by side: what stands in the folder on the left, what the session has on the right.
 * `width` is that of the whole line, in columns. What has no lines to compare stays as it is in the patch.
 */
export function besidePatch(
  patch: string,
  { width, colour }: { readonly width: number; readonly colour: boolean },
): string {
  const column = Math.floor((width - gap.length) / 2);
  const title = `${padded("the folder's version", column)}${gap}the session's`;
  const [head = "", ...hunks] = patch.split(/^(?=@@ -)/m);
  const shown = hunks.map((hunk) => {
    const [place = "", ...lines] = hunk.split("\n").filter((line) => line !== "" && !line.startsWith("\\"));
    const rows = rowsOf(lines).flatMap((row) => linesOfRow(row, column, colour));
    return [printableLines(readable(place)), ...rows, ""].join("\n");
  });
  return `${printableLines(readable(head))}${shown.length === 0 ? "" : `${title}\n`}${shown.join("")}`;
}
