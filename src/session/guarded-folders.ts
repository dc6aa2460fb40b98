import { readdirSync, rmdirSync, rmSync } from "node:fs";
import path from "node:path";
import { Aside, LiveFolder, openFileServer, type Taken } from "../changes/index.ts";
import type { Denial } from "../model/index.ts";
import type { GuardRecord } from "./guard-record.ts";

/** Takes folders away that nothing is in. */
function dropEmpty(folder: string): void {
  try {
    for (const name of readdirSync(folder)) dropEmpty(path.join(folder, name));
    rmdirSync(folder);
  } catch {
    // Something is in it, or it is no folder: both stay.
  }
}

/** What is open while folders are looked at. */
export interface OpenFolders {
  readonly folders: readonly LiveFolder[];
  close(): Promise<void>;
}

/** Opens the folders of a record, and the places that things are taken to. */
export async function openFolders(record: GuardRecord, installation: string): Promise<OpenFolders> {
  const { quarantine, kept, folders, begunNs } = record;
  const roots = [quarantine, kept, ...folders.map(({ folder }) => folder)];
  const server = await openFileServer(path.join(installation, "native/cellfiles"), roots);
  const live = folders.map(({ folder, excluded, named, into, trees, files, ...rest }, index) => {
    const aside = new Aside({ server, quarantine: 0, kept: 1, into });
    const { repositories = [], olderNs } = rest;
    const older = olderNs === undefined ? {} : { olderNs };
    const known = { trees: new Map(trees), files: new Map(files), begunNs, repositories, ...older };
    return new LiveFolder({ server, root: index + 2, folder, excluded, named }, aside, known);
  });
  return {
    folders: live,
    close: async () => {
      for (const folder of live) folder.close();
      await server.close();
    },
  };
}

/** What was taken out, as it is told. */
export function denialOf(taken: Taken, folder: string, quarantine: string): Denial {
  const place = `${folder}/${Buffer.from(taken.path, "latin1").toString()}`;
  const to =
    taken.to === undefined ? undefined : `${quarantine}/${Buffer.from(taken.to, "latin1").toString()}`;
  const allow = `to let commands write it: --allow-path '${place}'`;
  const back = "What stood there before stands there again.";
  const where = to === undefined ? "It is gone" : `It lies in ${to}`;
  const whose =
    taken.restored && to !== undefined ? `; if you changed it yourself, copy it back from there` : "";
  return {
    layer: "files",
    rule: taken.reason,
    origin: "built in",
    what: `${to === undefined && taken.restored ? "remove" : "write"} "${place}"`,
    remedy: `${taken.restored ? `${back} ` : ""}${where}${whose}; ${allow}`,
  };
}

/** Takes away the copies of what stood there, and what of the quarantine nothing is in. */
export function dropKept({ kept, quarantine }: Pick<GuardRecord, "kept" | "quarantine">): void {
  rmSync(kept, { recursive: true, force: true });
  dropEmpty(quarantine);
  dropEmpty(path.dirname(quarantine));
}
