import { codeOf } from "../errors/index.ts";
import type { Entry } from "../model/index.ts";
import type { FileServer, Place } from "./file-server.ts";

/**
 * What stands at a place of one tree that was found in another: nothing where a link stands on the way, as where the session
 * made a folder of it.
 */
export async function entryAt(server: FileServer, place: Place): Promise<Entry | undefined> {
  try {
    return await server.stat(place);
  } catch (error) {
    if (error instanceof Error && codeOf(error.cause) === "ELOOP") return undefined;
    throw error;
  }
}
