import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { findProgram, runProgram } from "../setup/run-program.mjs";
import { Stop } from "../setup/stop.mjs";

const META_PACKAGE = "linux-image-cloud-arm64:arm64";

/** apt with lists and a cache of its own, which knows arm64: the machine's are left as they are. @param {string} folder */
function privateApt(folder) {
  for (const name of ["lists/partial", "cache/archives/partial"])
    mkdirSync(path.join(folder, name), { recursive: true });
  const config = path.join(folder, "apt.conf");
  const own = [`Dir::State::lists "${folder}/lists";`, `Dir::Cache "${folder}/cache";`];
  writeFileSync(config, ['APT::Architectures { "amd64"; "arm64"; };', ...own, ""].join("\n"));
  const env = { ...process.env, APT_CONFIG: config };
  return async (/** @type {string} */ program, /** @type {readonly string[]} */ words) => {
    const { code, stdout, stderr } = await runProgram(program, words, { cwd: folder, env });
    if (code === 0) return stdout;
    throw new Stop(
      `Cannot fetch a kernel: ${program} ${words.join(" ")}: ${stderr.trim().split("\n").at(-1)}`,
    );
  };
}

/**
 * Debian's kernel for arm64, from the machine's own package sources.
 * @param {string} folder where it may put files
 * @returns {Promise<string>} the kernel's file
 */
export async function fetchKernel(folder) {
  const missing = ["apt-get", "apt-cache", "dpkg-deb"].filter((name) => findProgram(name) === undefined);
  if (missing.length > 0)
    throw new Stop(`Missing: ${missing.join(", ")}. Name a kernel for arm64 that you have: --kernel FILE`);
  const apt = privateApt(folder);
  await apt("apt-get", ["update"]);
  const depends = await apt("apt-cache", ["depends", META_PACKAGE]);
  const [, name] = /Depends: (linux-image-\S+)/.exec(depends) ?? [];
  if (name === undefined) throw new Stop(`Cannot fetch a kernel: ${META_PACKAGE} names none.`);
  await apt("apt-get", ["download", name.includes(":") ? name : `${name}:arm64`]);
  const [archive = ""] = readdirSync(folder).filter((file) => file.endsWith(".deb"));
  await apt("dpkg-deb", ["-x", archive, "unpacked"]);
  const boot = path.join(folder, "unpacked/boot");
  const [kernel = ""] = readdirSync(boot).filter((file) => file.startsWith("vmlinuz-"));
  return path.join(boot, kernel);
}
