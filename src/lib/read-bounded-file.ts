import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

interface Limits {
  readonly limitBytes: number;
  /** Only a plain file that lies at this very path: no symbolic link, no pipe, no device. */
  readonly plainFile?: boolean;
}

/** What stands in a file; `undefined`: it holds more than the limit, or is no plain file where one is asked for. */
export function readBoundedFile(file: string, { limitBytes, plainFile }: Limits): Buffer | undefined {
  // Without O_NONBLOCK the open of a pipe that nobody writes to would wait for ever.
  const flags = plainFile ? constants.O_NOFOLLOW | constants.O_NONBLOCK : 0;
  const fd = openSync(file, constants.O_RDONLY | flags);
  try {
    if (plainFile && !fstatSync(fd).isFile()) return undefined;
    const chunks: Buffer[] = [];
    for (let left = limitBytes + 1; left > 0; ) {
      const chunk = Buffer.allocUnsafe(Math.min(left, 65_536));
      const length = readSync(fd, chunk);
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, length));
      left -= length;
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}
