import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { missing, starters } from "../helpers/filtered-bwrap.ts";
import { runWork } from "../helpers/program-works.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

/** A small package that carries its own tests, which need nothing but Node. */
const name = "mime@1.6.0";

test.for(starters)(
  "npm test of a package from the registry passes, started by $name",
  (starter, { skip }) => {
    const folder = tempFolder();
    chmodSync(folder, 0o755);
    const packed = spawnSync(
      "npm",
      ["pack", "--silent", "--fetch-retries=0", "--fetch-timeout=10000", name],
      {
        cwd: folder,
        encoding: "utf8",
        timeout: 30_000,
      },
    );
    skip(
      missing(["bwrap", "tar"]).length > 0 || packed.status !== 0,
      `no bubblewrap, or ${name} cannot be downloaded`,
    );
    const archive = path.join(folder, packed.stdout.trim());
    const run = runWork(
      starter,
      "tar xzf package.tgz --no-same-owner && cd package && npm test --silent && echo done",
      [...["--ro-bind", archive, "/tmp/package.tgz"]],
    );
    expect({ code: run.code, last: run.output.trim().split("\n").at(-1) }, run.errors).toEqual({
      code: 0,
      last: "done",
    });
  },
);
