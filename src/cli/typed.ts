/** A word as a shell reads it back. */
export const typed = (word: string): string =>
  /^[\w./:+@%,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
