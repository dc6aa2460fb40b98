import { existsSync } from "node:fs";
import { findPackageManager } from "./package-managers.mjs";
import { findProgram, runProgram } from "./run-program.mjs";

/**
 * What the tests try in cells, or try cells with, by Debian's packages. Where one is missing its tests skip with the
 * reason; in continuous integration they fail.
 * @type {Record<string, string>}
 */
const packageOf = {
  curl: "curl",
  wget: "wget",
  git: "git",
  gcc: "gcc",
  openssl: "openssl",
  rg: "ripgrep",
  python3: "python3",
  "ssh-agent": "openssh-client",
  strace: "strace",
  script: "bsdutils",
  tmux: "tmux",
  setpriv: "util-linux",
  "mkfs.ext4": "e2fsprogs",
  chromium: "chromium",
  "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
  "qemu-aarch64": "qemu-user",
};

/** Files of packages that bring no program. @type {Record<string, string>} */
const packageOfFile = {
  "/usr/lib/python3/dist-packages/numpy": "python3-numpy",
  "/usr/include/stdio.h": "libc6-dev",
};

/** @returns {string[]} packages */
function missingPackages() {
  const programs = Object.keys(packageOf).filter((program) => findProgram(program) === undefined);
  const files = Object.keys(packageOfFile).filter((file) => !existsSync(file));
  return [
    ...programs.map((name) => packageOf[name] ?? name),
    ...files.map((name) => packageOfFile[name] ?? name),
  ];
}

/**
 * Installs what the tests use besides Workcell's own needs: as root on Debian and its kin; elsewhere tests skip.
 * @param {{ pending: (what: string) => void }} page
 * @returns {Promise<string>} what is there, in one line
 */
export async function setUpTestPrograms({ pending }) {
  const missing = missingPackages();
  const manager = findPackageManager();
  if (missing.length === 0) return "every program that the tests use";
  if (process.getuid?.() !== 0 || manager?.program !== "apt-get") {
    return `without ${missing.join(", ")}: their tests are skipped`;
  }
  pending(`installing ${missing.join(", ")} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const words = [...manager.install, ...missing];
  const first = await runProgram(manager.program, words, { env });
  if (first.code !== 0) {
    await runProgram(manager.program, manager.update ?? [], { env });
    await runProgram(manager.program, words, { env });
  }
  const left = missingPackages();
  return left.length === 0
    ? `${missing.join(", ")} installed`
    : `without ${left.join(", ")}: their tests are skipped`;
}
