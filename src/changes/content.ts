/** As git tells text from binary, over as much as was read: a NUL is in no text. One character a byte. */
export function isBinary(content: string): boolean {
  return content.includes("\0");
}
