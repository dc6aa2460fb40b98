/** Counts the lines and the words of a text, and lists the words. */
export function wordStats(text) {
  const words = text.split(/\s+/).filter((word) => word !== "");
  return { lines: text.split("\n").filter((line) => line.trim() !== "").length, words };
}
