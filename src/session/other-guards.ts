import { isInside } from "../lib/is-inside.ts";
import type { Entry } from "../model/index.ts";
import { type GuardRecord, listGuards, readGuard } from "./guard-record.ts";
import { isCellLive } from "./marker.ts";

const idOf = ({ device, inode }: Entry) => `${device}:${inode}`;
const meets = (one: string, other: string) => isInside(one, other) || isInside(other, one);

/** The guards of cells that write to one of these folders at this moment. */
function liveGuards(state: string, folders: readonly string[]): readonly GuardRecord[] {
  return listGuards(state).flatMap(({ file, name, cell }) => {
    if (!isCellLive(state, name, cell)) return [];
    try {
      const record = readGuard(file);
      return record.folders.some(({ folder }) => folders.some((one) => meets(one, folder))) ? [record] : [];
    } catch {
      return []; // It has just ended.
    }
  });
}

function isAllowedBy({ folders }: GuardRecord, place: string): boolean {
  return folders.some(({ folder, named, excluded }) =>
    [...named, ...excluded].some((name) =>
      `${place}/`.startsWith(`${Buffer.from(folder).toString("latin1")}/${name}/`),
    ),
  );
}

/**
 * Whether something came to stand there during another cell that runs still: its guard is about to take it out, so it is
 * nothing that stood there before. `place`: absolute, one character a byte.
 */
export function foreignness(
  state: string,
  folders: readonly string[],
): (place: string, entry: Entry) => boolean {
  const others = liveGuards(state, folders).map((record) => ({
    record,
    ids: new Set(
      record.folders.flatMap(({ trees, files }) => [...trees, ...files].map(([, { entry }]) => idOf(entry))),
    ),
  }));
  return (place, entry) =>
    others.some(
      ({ record, ids }) =>
        entry.ctimeNs > record.begunNs && !ids.has(idOf(entry)) && !isAllowedBy(record, place),
    );
}
