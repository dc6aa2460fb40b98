import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";

interface Options {
  /** Permissions of the file, whatever the umask; and of a file that stood there before, no longer. */
  readonly mode: number;
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file so that a reader finds the old content or the new, whole, also after a power cut. Folders that are
 * missing on the way are made for this user alone.
 */
export async function writeFileAtomic(
  file: string,
  content: string | Uint8Array,
  { mode }: Options,
): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = path.join(folder, `.${path.basename(file)}.${randomBytes(6).toString("hex")}`);
  const handle = await open(draft, "wx", mode);
  try {
    try {
      await handle.chmod(mode);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await sync(folder);
}
