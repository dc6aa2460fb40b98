import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** What was installed for a test, from the registry that whoever runs the tests has configured. */
export interface Installed extends Disposable {
  /** A folder of its own, which holds `node_modules`. */
  readonly place: string;
  /** Where its programs are. */
  readonly bin: string;
  /** Why it is not there; "": it is. */
  readonly problem: string;
}

/**
 * Installs programs that are nobody's to ship into a temporary folder, and has each say its version. Where that cannot
 * be done, the tests skip by name.
 */
export function npmInstall(
  packages: readonly string[],
  programs: Readonly<Record<string, string>> = {},
): Installed {
  const place = mkdtempSync(path.join(tmpdir(), "workcell-npm-"));
  chmodSync(place, 0o755);
  // npx, which may have started the tests, says things of its own to npm.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV$)/.test(name)),
  );
  const words = ["install", "--no-audit", "--no-fund", "--prefix", place, ...packages];
  const installed = spawnSync("npm", words, { env, encoding: "utf8", timeout: 100_000 });
  const bin = path.join(place, "node_modules/.bin");
  const why = `${installed.stderr}`.trim().replace(/\s+/g, " ").slice(-400);
  const missing = Object.entries(programs).filter(([program, version]) => {
    const said = spawnSync(path.join(bin, program), ["--version"], { encoding: "utf8", timeout: 20_000 });
    return !`${said.stdout}`.includes(version);
  });
  const isThere = installed.status === 0 && missing.length === 0;
  return {
    place,
    bin,
    problem: isThere ? "" : `${packages.join(", ")} could not be installed: ${why}`,
    [Symbol.dispose]: () => rmSync(place, { recursive: true, force: true }),
  };
}
