/** Uids from first to last. */
export interface UidRange {
  readonly first: number;
  readonly last: number;
}

/** A range that somebody else has, and who. */
export interface OwnedRange extends UidRange {
  readonly owner: string;
}

/** Reads `/etc/subuid`: `name:first:count`. */
export function parseSubordinate(content: string, file: string): readonly OwnedRange[] {
  return content.split("\n").flatMap((line) => {
    const [, name, first, count] = /^([^#:]+):(\d+):(\d+)\s*$/.exec(line) ?? [];
    if (name === undefined || Number(count) === 0) return [];
    return [{ owner: `${name} in ${file}`, first: Number(first), last: Number(first) + Number(count) - 1 }];
  });
}

/** Reads `/etc/passwd`: each user has a range of one. */
export function parseUsers(content: string, file: string): readonly OwnedRange[] {
  return content.split("\n").flatMap((line) => {
    const [name, , uid] = line.split(":");
    if (name === undefined || uid === undefined || !/^\d+$/.test(uid)) return [];
    return [{ owner: `${name} in ${file}`, first: Number(uid), last: Number(uid) }];
  });
}

/** Those that share a uid with the range. */
export function overlapping(range: UidRange, owned: readonly OwnedRange[]): readonly OwnedRange[] {
  return owned.filter(({ first, last }) => first <= range.last && range.first <= last);
}

/** A range of the same size above all that are taken; uids from 2^31 on are trouble for many programs. */
export function freeRange(range: UidRange, owned: readonly OwnedRange[]): UidRange | undefined {
  const size = range.last - range.first;
  const usable = owned.map(({ last }) => last).filter((last) => last + 1 + size < 2 ** 31);
  for (const last of [...usable].sort((a, b) => a - b)) {
    const candidate = { first: last + 1, last: last + 1 + size };
    if (candidate.first >= 100_000 && overlapping(candidate, owned).length === 0) return candidate;
  }
  return undefined;
}
