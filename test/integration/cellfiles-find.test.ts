import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openFileServer } from "../../src/changes/index.ts";
import { findProtected } from "../../src/changes/live/find-protected.ts";
import { buildCellfiles } from "../helpers/file-bench.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

function tree(folder: string, files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), "");
  }
}

async function find(folder: string, names: readonly string[], most = 1e6) {
  const server = await openFileServer(buildCellfiles(tempFolder()), [folder]);
  try {
    const { entries, unread, isCut } = await server.find({ root: 0, path: "" }, names, most);
    return { found: [...entries.keys()].sort(), unread, isCut };
  } finally {
    await server.close();
  }
}

test("find() tells what has a name, at any depth, in any case, by its end, and what is spelt oddly", async () => {
  const folder = tempFolder();
  tree(folder, ["a/Config", "a/b/config", "a/config2", "x.code", "sp ace", "dot.", "\u00e9", "plain"]);
  symlinkSync("nowhere", path.join(folder, "a/modules"));
  mkdirSync(path.join(folder, "b/modules"), { recursive: true });
  symlinkSync("nowhere", path.join(folder, "b/modules/any"));
  const { found, unread, isCut } = await find(folder, ["econfig", "e*.code", "lmodules", "tmodules"]);
  const odd = ["dot.", "sp ace", Buffer.from("\u00e9").toString("latin1")];
  expect(found).toEqual(["a/Config", "a/b/config", "a/modules", "b/modules/any", "x.code", ...odd].sort());
  expect([unread, isCut]).toEqual([[], false]);
});

test("find() says what it did not enter, and where it stopped", async () => {
  const folder = tempFolder();
  const deep = Array(70).fill("d").join("/");
  tree(folder, [`${deep}/config`]);
  const { found, unread } = await find(folder, ["econfig"]);
  expect([found, unread]).toEqual([[], [Array(64).fill("d").join("/")]]);
  expect((await find(folder, ["econfig"], 3)).isCut).toBe(true);
});

test("findProtected() goes on where find() did not: too deep, too many open, 100,000 files", async () => {
  const folder = tempFolder();
  tree(folder, [`${Array(200).fill("d").join("/")}/.bashrc`, "sub/.vscode/x/y", "sub/.vscode/z/.vscode/y"]);
  execFileSync(
    "sh",
    ["-c", "mkdir many; cd many; for n in $(seq 1000); do mkdir $n; done; seq 99000 | xargs touch"],
    { cwd: folder },
  );
  const server = await openFileServer(buildCellfiles(tempFolder()), [folder]);
  const place = { server, root: 0, folder, excluded: [], named: [] };
  const { trees, single, isWhole } = await findProtected(place);
  await server.close();
  expect([[...trees.keys()], [...single.keys()], isWhole]).toEqual([
    ["sub/.vscode"],
    [`${Array(200).fill("d").join("/")}/.bashrc`],
    true,
  ]);
});

test.runIf(process.getuid?.() === 0)(
  "what is shut against everybody does not hide what is in it from its owner",
  async () => {
    const folder = tempFolder();
    tree(folder, ["shut/.vscode/x", "shut/plain"]);
    execFileSync("chown", ["-R", "54321:54321", folder]);
    chmodSync(path.join(folder, "shut"), 0);
    chownSync(folder, 54321, 54321);
    const cellfiles = buildCellfiles(tempFolder());
    execFileSync("chmod", ["-R", "a+rX", path.dirname(cellfiles)]);
    const program = path.join(tempFolder(), "as-user");
    writeFileSync(
      program,
      `#!/bin/sh\nexec setpriv --reuid 54321 --regid 54321 --clear-groups ${cellfiles} "$@"\n`,
      { mode: 0o755 },
    );
    const server = await openFileServer(program, [folder], { userXattr: true });
    const { trees } = await findProtected({ server, root: 0, folder, excluded: [], named: [] });
    await server.close();
    expect([...trees.keys()]).toEqual(["shut/.vscode"]);
  },
);
