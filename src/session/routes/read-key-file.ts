import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { codeOf } from "../../errors/index.ts";
import { type CredentialOf, cannotHave, checkedValue } from "./credential-error.ts";

const limitBytes = 64 * 1024;

const problems: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ELOOP: "it is a symbolic link, and the file itself is needed",
  EACCES: "it may not be read by this user",
  ENXIO: "it is no plain file",
};

/** Reads a credential's file, which must be the person's own and nobody else's to read. Throws WC_CREDENTIAL. */
export function readKeyFile(file: string, of: CredentialOf): string {
  const where = JSON.stringify(file);
  const fd = openPlain(file, of);
  try {
    // What is looked at is the open file: the name may be another's by now.
    const found = fstatSync(fd);
    const refuse = (problem: string, remedy: string) => cannotHave(of, `${where}: ${problem}`, remedy);
    if (!found.isFile()) throw refuse("it is no plain file, and one is needed", "Name a file");
    if (found.uid !== process.geteuid?.()) {
      const remedy = `Make it yours: chown "$(id -u)" ${where}`;
      throw refuse(`it belongs to uid ${found.uid}, and must belong to you`, remedy);
    }
    if ((found.mode & 0o077) !== 0) {
      const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
      throw refuse(
        `others may read or write it (mode ${mode}), and nobody else may`,
        `Run: chmod 600 ${where}`,
      );
    }
    if (found.size > limitBytes)
      throw refuse("it is too large for a credential", `Put the value alone into ${where}`);
    return checkedValue(readFileSync(fd, "utf8"), of, where);
  } finally {
    closeSync(fd);
  }
}

function openPlain(file: string, of: CredentialOf): number {
  try {
    // Without O_NONBLOCK the open of a pipe that nobody writes to would wait for ever.
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error) ?? "";
    const where = JSON.stringify(file);
    const remedy = `Put the value into ${where}, and run: chmod 600 ${where}`;
    throw cannotHave(of, `${where}: ${problems[code] ?? code}`, remedy);
  }
}
