import type { BytePath } from "../model/index.ts";
import type { FileRoot, FileServer } from "./file-server.ts";

/** What decides is read no further than this. */
export const headBytes = 64 * 1024;

/** The beginning of a file, a character for each byte; one byte more than `headBytes` where there is more. */
export async function headOf(server: FileServer, root: FileRoot, path: BytePath): Promise<string> {
  const bytes = await server.read({ root, path }, 0, headBytes + 1);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
