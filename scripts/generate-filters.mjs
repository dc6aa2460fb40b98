#!/usr/bin/env node
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { esbuild } from "./bundle/esbuild.mjs";

// Writes src/plan/seccomp/compiled.gen.ts anew from the rules beside it; a unit test holds the two together.
const root = path.resolve(import.meta.dirname, "..");
const place = mkdtempSync(path.join(os.tmpdir(), "workcell-filters-"));
const outfile = path.join(place, "seccomp.mjs");
await esbuild({ entryPoints: [path.join(root, "src/plan/seccomp/index.ts")], format: "esm", outfile });
const { buildFilters } = await import(pathToFileURL(outfile).href);
const helpers = { direct: [1, 2], socat: [1, 2, 3, 4] };
const entries = ["x86_64", "aarch64"].flatMap((arch) =>
  Object.entries(helpers).map(([tunnel, pids]) => {
    const filters = buildFilters(arch, { refuse: "notify", helpers: pids }).map(
      (/** @type {{ name: string, program: Uint8Array }} */ { name, program }) => ({
        name,
        program: Buffer.from(program).toString("base64"),
      }),
    );
    return `  ${JSON.stringify(`${arch} ${tunnel}`)}: ${JSON.stringify(filters)},`;
  }),
);
const text = `// Written by scripts/generate-filters.mjs from the rules in this folder: base64 of classic BPF.
export const compiledFilters = {
${entries.join("\n")}
} as const;
`;
writeFileSync(path.join(root, "src/plan/seccomp/compiled.gen.ts"), text);
rmSync(place, { recursive: true });
