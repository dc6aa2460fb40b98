import type { Examination } from "./examination.ts";

type PackageName = "bubblewrap" | "socat" | "bash" | "gcc" | "util-linux";

const managers: readonly (readonly [string, string])[] = [
  ["apt-get", "apt-get install -y"],
  ["dnf", "dnf install -y"],
  ["zypper", "zypper install -y"],
  ["pacman", "pacman -S --noconfirm"],
  ["apk", "apk add"],
];

/** The command of this machine that installs a package. */
export function installRemedy(examination: Pick<Examination, "find" | "uid">, name: PackageName): string {
  const found = managers.find(([manager]) => examination.find(manager) !== undefined);
  const who = examination.uid === 0 ? "Run" : "Run as root";
  return found === undefined
    ? `Install ${name} with the package manager of this system`
    : `${who}: ${found[1]} ${name}`;
}
