import { readFileSync } from "node:fs";

/** Types and permissions as the kernel numbers them. */
const FOLDER = 0o040755;
const PROGRAM = 0o100755;
const DEVICE = 0o020600;

/** Each part of an archive ends at a multiple of four. @param {Buffer} part */
const padded = (part) => Buffer.concat([part, Buffer.alloc((4 - (part.length % 4)) % 4)]);

/**
 * One entry in the form that the kernel unpacks ("newc").
 * @param {{ name: string, mode: number, content?: Buffer, device?: readonly [number, number], number: number }} entry
 */
function entryOf({ name, mode, content = Buffer.alloc(0), device = [0, 0], number }) {
  const fields = [number, mode, 0, 0, 1, 0, content.length, 0, 0, ...device, name.length + 1, 0];
  const head = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  return Buffer.concat([padded(Buffer.from(`070701${head}${name}\0`)), padded(content)]);
}

/**
 * An archive that the kernel takes as its first file system.
 * @param {{ folders: readonly string[], files: Readonly<Record<string, string | Buffer>> }} tree files by name: a path, or what
 *   is in it
 */
export function makeInitramfs({ folders, files }) {
  const entries = [
    ...["dev", ...folders].map((name) => ({ name, mode: FOLDER })),
    { name: "dev/console", mode: DEVICE, device: /** @type {const} */ ([5, 1]) },
    { name: "dev/null", mode: DEVICE | 0o666, device: /** @type {const} */ ([1, 3]) },
    ...Object.entries(files).map(([name, file]) => {
      return { name, mode: PROGRAM, content: typeof file === "string" ? readFileSync(file) : file };
    }),
    { name: "TRAILER!!!", mode: 0 },
  ];
  return Buffer.concat(entries.map((entry, index) => entryOf({ ...entry, number: index + 1 })));
}
