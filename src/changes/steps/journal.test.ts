import { mkdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../test/helpers/temp-folder.ts";
import { type FolderIdentity, folderIdentity } from "../../lib/folder-identity.ts";
import { readSteps, writeJournal } from "./journal.ts";
import type { Step } from "./step.ts";

const at = (device: string) => ({ device, inode: "7", ctimeNs: "1", mtimeNs: "1", size: 1 });

/** A step in a folder, with a file of that folder's disk and one of a disk that is mounted below it. */
const stepOf = (folder: string, folderIs: FolderIdentity, mounted: string): Step => ({
  ...{ schema: "workcell.step/1", number: 1, kind: "apply", folder, layer: "1", folderIs },
  ...{ time: "2026-01-01T00:00:00.000Z", decidedNs: "1", state: "done" },
  operations: ["a", "disk/b"].map((name, index) => ({
    ...{ kind: "replace", path: name, before: at(index === 0 ? folderIs.device : mounted), parts: [] },
    ...{ beside: `.workcell-${index}`, kept: `1/kept/${index}` },
  })),
  done: [],
});

const devices = ([step]: readonly Step[]) => [
  step?.folderIs?.device,
  ...(step?.operations ?? []).map(({ before }) => before?.device),
];

async function written(known: (now: FolderIdentity) => FolderIdentity, mounted = "99") {
  const place = tempFolder();
  const [steps, folder] = [path.join(place, "steps"), path.join(place, "folder")];
  for (const one of [folder, path.join(steps, "1")]) mkdirSync(one, { recursive: true });
  const now = folderIdentity(folder);
  await writeJournal(steps, stepOf(folder, known(now), mounted));
  return { steps, folder, now };
}

test("readSteps() knows what is on the folder's disk by the number of today, after each restart anew", async () => {
  const { steps, folder, now } = await written((folderNow) => ({ ...folderNow, device: "123456" }));
  const first = readSteps(steps);
  expect(devices(first)).toEqual([now.device, now.device, "99"]);
  // What is written down by then is read after the next one, by which the folder has its first number again.
  await writeJournal(steps, stepOf(folder, { ...now, device: "654321" }, "123456"));
  expect(devices(readSteps(steps))).toEqual([now.device, now.device, "123456"]);
  await writeJournal(steps, { ...(first[0] as Step), folderIs: now });
  expect(devices(readSteps(steps))).toEqual([now.device, now.device, "99"]);
});

test("readSteps() leaves the numbers where another folder stands, or one whose disk has the old number by now", async () => {
  const other = await written((folderNow) => ({ ...folderNow, device: "123456", born: "1" }));
  expect(devices(readSteps(other.steps))).toEqual(["123456", "123456", "99"]);
  const plugged = await written((folderNow) => ({ ...folderNow, born: "1" }));
  expect(devices(readSteps(plugged.steps))).toEqual([plugged.now.device, plugged.now.device, "99"]);
});
