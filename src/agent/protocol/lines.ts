import type { Readable } from "node:stream";

/** A line longer than this ends the input: nobody sends one in good faith. */
const LIMIT = 64 * 1024 * 1024;

/** Calls back with each line of a stream, and once at its end. */
export function readLines(
  stream: Readable,
  { onLine, onEnd }: { readonly onLine: (line: string) => void; readonly onEnd: () => void },
): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line.trim() !== "") onLine(line);
    if (rest.length > LIMIT) stream.destroy();
  });
  let isOver = false;
  const over = () => {
    if (isOver) return;
    isOver = true;
    if (rest.trim() !== "" && rest.length <= LIMIT) onLine(rest);
    onEnd();
  };
  stream.once("end", over);
  stream.once("close", over);
  stream.once("error", over);
}

/** The whole of a stream as text. */
export async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/**
 * The lines of a stream, which end with a line feed and with nothing else: JSON may hold what other readers take for the end of
 * one. In place of a line that is too long comes `undefined`; a stream that breaks ends.
 */
export async function* linesOf(stream: Readable): AsyncGenerator<string | undefined> {
  let pieces: string[] = [];
  let length = 0;
  const whole = () => {
    const line = length <= LIMIT ? pieces.join("") : undefined;
    pieces = [];
    length = 0;
    return line;
  };
  stream.setEncoding("utf8");
  try {
    for await (const text of stream) {
      const [first = "", ...others] = `${text}`.split("\n");
      for (const [index, part] of [first, ...others].entries()) {
        if (index > 0) yield whole();
        length += part.length;
        if (length <= LIMIT) pieces.push(part);
        else pieces = [];
      }
    }
  } catch {
    // Whoever wrote it is gone; what came before counts.
  }
  if (length > 0) yield whole();
}
