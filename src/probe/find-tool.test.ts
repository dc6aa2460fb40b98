import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { findTool, pathFolders, requireTool } from "./find-tool.ts";

function place(): string {
  const root = tempFolder();
  for (const folder of ["a", "b", "project"]) mkdirSync(path.join(root, folder));
  for (const file of ["b/tool", "project/tool", "b/plain"]) writeFileSync(path.join(root, file), "");
  for (const file of ["b/tool", "project/tool"]) chmodSync(path.join(root, file), 0o755);
  return root;
}

test.each([
  ["/a:/b", ["/a", "/b"]],
  ["/b:.::relative:/a:/b", ["/b", "/a"]],
  ["", []],
  [undefined, []],
])("pathFolders(%j) is the absolute folders, each once", (searchPath, folders) => {
  expect(pathFolders(searchPath)).toEqual(folders);
});

test("findTool() takes the first that can be executed, and passes over folders and plain files", () => {
  const root = place();
  mkdirSync(path.join(root, "a/tool"));
  const folders = [`${root}/none`, `${root}/a`, `${root}/b`, `${root}/project`];
  expect(findTool("tool", folders, [])).toEqual({ path: `${root}/b/tool`, realPath: `${root}/b/tool` });
  expect(findTool("plain", folders, [])).toBe(undefined);
});

test("findTool() follows links, and says where the program really is", () => {
  const root = place();
  symlinkSync("../b/tool", path.join(root, "a/tool"));
  expect(findTool("tool", [`${root}/a`], [])).toEqual({ path: `${root}/a/tool`, realPath: `${root}/b/tool` });
});

test("findTool() takes none from an untrusted folder, nor one that a link leads to there", () => {
  const root = place();
  symlinkSync("../project/tool", path.join(root, "a/tool"));
  const folders = [`${root}/project`, `${root}/a`, `${root}/b`];
  const untrusted = [`${root}/project`];
  expect(findTool("tool", folders, untrusted)?.path).toBe(`${root}/b/tool`);
  expect(findTool("tool", folders.slice(0, 2), untrusted)).toBe(undefined);
  // Control: where nothing is untrusted, both would do.
  expect(findTool("tool", folders, [])?.path).toBe(`${root}/project/tool`);
  // A folder whose name only begins alike is another one.
  expect(findTool("tool", folders, [`${root}/proj`])?.path).toBe(`${root}/project/tool`);
});

test("requireTool() names the package to install", async () => {
  expect(await failureOf(() => requireTool("socat", [], []))).toEqual({
    code: "WC_MISSING_TOOL",
    message: 'Cannot start a cell: the program "socat" was not found on PATH, and it is needed',
    remedy: "Install it: apt-get install socat",
  });
});
