/** A text in lines of at most this width, broken at spaces; what the text begins with, each line begins with. */
export function wrapped(text: string, width: number): readonly string[] {
  const [indent = ""] = /^ */.exec(text) ?? [];
  const lines: string[] = [];
  let line = "";
  for (const word of text.trim().split(/ +/)) {
    const longer = line === "" ? `${indent}${word}` : `${line} ${word}`;
    if (longer.length > width && line !== "") {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line];
}
