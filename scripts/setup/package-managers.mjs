import { findProgram } from "./run-program.mjs";

/**
 * @typedef {object} PackageManager
 * @property {string} program found on PATH
 * @property {readonly string[]} install words before the packages
 * @property {readonly string[]} [update] refreshes the lists; run only after an install has failed
 * @property {readonly string[]} bubblewrap
 * @property {readonly string[]} socat
 * @property {readonly string[]} bash
 * @property {readonly string[]} compiler
 */

/** @type {readonly PackageManager[]} */
export const packageManagers = [
  {
    program: "apt-get",
    install: ["install", "-y", "--no-install-recommends"],
    update: ["update"],
    bubblewrap: ["bubblewrap"],
    socat: ["socat"],
    bash: ["bash"],
    compiler: ["musl-tools", "libc6-dev"],
  },
  {
    program: "dnf",
    install: ["install", "-y"],
    bubblewrap: ["bubblewrap"],
    socat: ["socat"],
    bash: ["bash"],
    compiler: ["gcc", "glibc-devel", "glibc-static", "kernel-headers"],
  },
  {
    program: "apk",
    install: ["add"],
    update: ["update"],
    bubblewrap: ["bubblewrap"],
    socat: ["socat"],
    bash: ["bash"],
    compiler: ["gcc", "musl-dev", "linux-headers"],
  },
  {
    program: "pacman",
    install: ["-S", "--noconfirm", "--needed"],
    update: ["-Sy"],
    bubblewrap: ["bubblewrap"],
    socat: ["socat"],
    bash: ["bash"],
    compiler: ["gcc", "linux-api-headers"],
  },
  {
    program: "zypper",
    install: ["--non-interactive", "install"],
    update: ["--non-interactive", "refresh"],
    bubblewrap: ["bubblewrap"],
    socat: ["socat"],
    bash: ["bash"],
    compiler: ["gcc", "glibc-devel", "glibc-devel-static", "linux-glibc-devel"],
  },
];

/** The package manager of this machine, or undefined. */
export function findPackageManager() {
  return packageManagers.find((manager) => findProgram(manager.program) !== undefined);
}
