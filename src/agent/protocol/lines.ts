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
