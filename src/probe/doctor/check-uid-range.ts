import { readFileSync } from "node:fs";
import type { Check, Examination, Finding } from "./examination.ts";
import { freeRange, overlapping, parseSubordinate, parseUsers } from "./uid-ranges.ts";

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // without the file nobody has such a range
  }
}

function ownedRanges() {
  return [
    ...["/etc/subuid", "/etc/subgid"].flatMap((file) => parseSubordinate(read(file), file)),
    ...["/etc/passwd", "/etc/group"].flatMap((file) => parseUsers(read(file), file)),
  ];
}

async function examine(examination: Examination): Promise<Finding> {
  if (examination.uid !== 0)
    return { status: "ok", found: "uid range: not needed, since Workcell is not run by root" };
  const { uidRange } = examination;
  const name = `uid range ${uidRange.first}-${uidRange.last}`;
  const owned = ownedRanges();
  const taken = overlapping(uidRange, owned);
  if (taken.length > 0) {
    const free = freeRange(uidRange, owned);
    const proposal = free === undefined ? "one that nobody has" : `${free.first}-${free.last}`;
    return {
      status: "missing",
      found: `${name}: shared with ${taken.map(({ owner }) => owner).join(", ")}`,
      remedy: `Set WORKCELL_UID_RANGE to another range: ${proposal}`,
    };
  }
  for (const uid of [uidRange.first, uidRange.last]) {
    const result = await examination.run("/bin/sh", ["-c", ":"], { identity: { uid, gid: uid } });
    if (result.code === 0) continue;
    return {
      status: "missing",
      found: `${name}: root cannot become ${uid} (${result.failure ?? `exit code ${result.code}`})`,
      remedy: "Set WORKCELL_UID_RANGE to uids that this container has, see /proc/self/uid_map",
    };
  }
  return { status: "ok", found: `${name}: nobody else's, and root can become it` };
}

/** The uids of root's sessions: root becomes the first and the last, and nobody else may have one. */
export const checkUidRange: Check = {
  id: "uid-range",
  title: "uid range",
  needed: "for root: uids for sessions that no user and no container has",
  without: "Root starts no cell: its files and processes would belong to somebody",
  examine,
};
