import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import type { MountRequest } from "../model/index.ts";
import { type HostQuestions, probeFolder, probeHost } from "./facts.ts";

const asked = (value: MountRequest) => ({ value, origin: "flag --mount" });

function place() {
  const root = tempFolder();
  for (const name of ["project/inner", "projectile", "bin"])
    mkdirSync(path.join(root, name), { recursive: true });
  writeFileSync(path.join(root, "file"), "");
  symlinkSync("project", path.join(root, "link"));
  symlinkSync("../projectile", path.join(root, "project/out"));
  return root;
}

const factsOf = (folder: string) => {
  const { uid, gid, dev, ino } = statSync(folder);
  return { realPath: folder, uid, gid, device: dev, inode: ino };
};

test("probeFolder() finds a folder by a relative path and behind a link, by its real path", () => {
  const root = place();
  const project = factsOf(path.join(root, "project"));
  expect(probeFolder(asked({ source: "project/../link", mode: "ro" }), root)).toEqual(project);
  expect(probeFolder(asked({ source: `${root}/link/inner/..`, mode: "rw" }), "/")).toEqual(project);
});

test("probeFolder() refuses what is not there, and a file", async () => {
  const root = place();
  const failure = (source: string) => failureOf(() => probeFolder(asked({ source, mode: "rw" }), root));
  expect([await failure("none"), await failure("file"), await failure("file/x")]).toEqual([
    {
      code: "WC_MOUNT",
      message: 'Cannot connect the folder "none" (flag --mount): it does not exist',
      remedy: "Name a folder that exists: -m DIR",
    },
    {
      code: "WC_MOUNT",
      message: 'Cannot connect "file" (flag --mount): it is a file, and a folder is needed',
      remedy: "Connect the folder that it is in: -m DIR",
    },
    {
      code: "WC_MOUNT",
      message: 'Cannot connect the folder "file/x" (flag --mount): it cannot be looked up (ENOTDIR)',
      remedy: "Name a folder that exists: -m DIR",
    },
  ]);
});

test("probeFolder() refuses a folder that lies outside the one whose own file asks for it", async () => {
  const root = place();
  const project = path.join(root, "project");
  const request = (name: string) => asked({ source: path.join(project, name), mode: "rw", within: project });
  expect(probeFolder(request("."), "/")).toEqual(factsOf(project));
  expect(probeFolder(request("inner"), "/")).toEqual(factsOf(path.join(project, "inner")));
  // Control: the same link may be followed when the person names it.
  const named = asked({ source: path.join(project, "out"), mode: "rw" });
  expect(probeFolder(named, "/")).toEqual(factsOf(path.join(root, "projectile")));
  expect(await failureOf(() => probeFolder(request("out"), "/"))).toEqual({
    code: "WC_MOUNT",
    message: `Cannot connect the folder "${project}/out" (flag --mount): it lies at "${root}/projectile", and a folder's own file may connect only what is in "${project}"`,
    remedy: `Take it out of the file, or name it yourself: workcell run -m ${project}/out:rw ...`,
  });
});

function questions(root: string): HostQuestions {
  for (const name of ["bwrap", "socat", "bash"]) {
    writeFileSync(path.join(root, "bin", name), "");
    chmodSync(path.join(root, "bin", name), 0o755);
  }
  return {
    env: { PATH: `relative:${root}/bin::${root}/bin`, CA: `${root}/link/ca.pem`, GONE: `${root}/gone.pem` },
    cwd: root,
    home: `${root}/link`,
    cellhost: "/opt/cellhost",
    cellinit: "/opt/cellinit",
    cpus: 4,
    mounts: [asked({ source: "link", mode: "rw" })],
    caVariables: ["CA", "GONE", "UNSET", "PRESET_CA"],
    paths: [`${root}/file`, `${root}/none`],
    presets: [{ preset: "git", found: true, hosts: [], environment: { PRESET_CA: `${root}/file` } }],
  };
}

const tool = (file: string) => ({ path: file, realPath: file });

test("probeHost() finds what a plan needs, by its real path", () => {
  const root = place();
  writeFileSync(path.join(root, "project/ca.pem"), "");
  const asks = questions(root);
  expect(probeHost(asks)).toMatchObject({
    uid: process.getuid?.(),
    gid: process.getgid?.(),
    arch: process.arch === "x64" ? "x86_64" : "aarch64",
    home: `${root}/project`,
    cwd: root,
    umask: process.umask(),
    bwrap: tool(`${root}/bin/bwrap`),
    socat: tool(`${root}/bin/socat`),
    bash: tool(`${root}/bin/bash`),
    node: tool(process.execPath),
    cellhost: "/opt/cellhost",
    cellinit: "/opt/cellinit",
    path: [`${root}/bin`],
    existing: [`${root}/file`],
    caFiles: { [`${root}/link/ca.pem`]: `${root}/project/ca.pem`, [`${root}/file`]: `${root}/file` },
    environment: asks.env,
    folders: { link: factsOf(path.join(root, "project")) },
    presets: asks.presets,
  });
});

test("probeHost() tells links in / from folders", () => {
  const { rootLinks, rootFolders, etc, etcLinks } = probeHost(questions(place()));
  expect(rootFolders).toContain("usr");
  for (const [name, target] of Object.entries(rootLinks)) {
    expect(realpathSync(`/${name}`)).toBe(realpathSync(path.resolve("/", target)));
    expect(rootFolders).not.toContain(name);
  }
  expect(etc).toContain("passwd");
  for (const [name, target] of Object.entries(etcLinks)) {
    expect(readlinkSync(`/etc/${name}`)).toBe(target);
    expect(path.resolve("/etc", target)).toMatch(/^\/usr\//);
  }
  // Where a link of the host's into /usr is missed, it would be shown as a file.
  expect(etcLinks).toMatchObject(lstatSync("/etc/os-release").isSymbolicLink() ? { "os-release": /./ } : {});
});

test("probeHost() takes no program from a folder that is to be connected", async () => {
  const root = place();
  const asks = questions(root);
  const mounts = [asked({ source: "bin", mode: "ro" })];
  expect(await failureOf(() => probeHost({ ...asks, mounts }))).toMatchObject({
    code: "WC_MISSING_TOOL",
    message: expect.stringContaining(
      `the program "bwrap" lies in "${root}/bin", which this cell is to be connected to`,
    ),
    remedy: expect.stringContaining("-m ~/project"),
  });
});
