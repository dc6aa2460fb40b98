/**
 * Controls (C0, DEL, C1), everything that only steers display (bidi, zero width, tags), separators, lone surrogates. Made when it
 * is wanted: Unicode's classes take a start some time.
 */
const steering = () => /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** One line of text in which nothing can move the cursor, recolour the terminal or reorder what is read. */
export function printable(text: string): string {
  return text.replace(steering(), escaped);
}

/** The same for text of several lines: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(steering(), (character) =>
    character === "\n" || character === "\t" ? character : escaped(character),
  );
}
