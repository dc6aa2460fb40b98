import { spawnSync } from "node:child_process";
import type { BytePath } from "../model/index.ts";
import { parentOf } from "./byte-path.ts";
import { decodeListing, encodeRequest } from "./file-wire.ts";

const headBytes = 5;
const done = "d".charCodeAt(0);
const more = "m".charCodeAt(0);

/** The bytes of each answer in turn; undefined for one that is a refusal. */
function answersIn(said: Buffer): readonly (Buffer | undefined)[] {
  const answers: (Buffer | undefined)[] = [];
  let parts: Buffer[] = [];
  for (let at = 0; at + headBytes <= said.length; ) {
    const end = at + 4 + said.readUInt32LE(at);
    const kind = said.readUInt8(at + 4);
    parts.push(said.subarray(at + headBytes, end));
    at = end;
    if (kind === more) continue;
    answers.push(kind === done ? Buffer.concat(parts) : undefined);
    parts = [];
  }
  return answers;
}

/**
 * Which of these folders of a layer hide what the person's folder has in their place. Node cannot read overlayfs's mark; `cellfiles` is
 * asked, and waited for. What it cannot read hides nothing here: this counts, and decides nothing.
 */
export function opaqueFolders(
  cellfiles: string,
  upper: string,
  folders: readonly BytePath[],
): ReadonlySet<BytePath> {
  if (folders.length === 0) return new Set();
  const parents = [...new Set(folders.map(parentOf))];
  const input = Buffer.concat(parents.map((path) => encodeRequest("list", [{ place: { root: 0, path } }])));
  const marks = process.geteuid?.() === 0 ? "trusted" : "user";
  const { stdout } = spawnSync(cellfiles, [marks, upper], { cwd: "/", env: {}, input, maxBuffer: 1 << 28 });
  const [, ...listings] = answersIn(stdout ?? Buffer.alloc(0));
  const opaque = listings.flatMap((bytes, index) =>
    bytes === undefined ? [] : decodeListing(bytes, parents[index] ?? "").filter((entry) => entry.opaque),
  );
  const asked = new Set(folders);
  return new Set(opaque.map(({ path }) => path).filter((path) => asked.has(path)));
}
