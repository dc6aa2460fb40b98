import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import type { Answer, Policy } from "../model/index.ts";
import { authorityText, mayAccess, mayConnect, parseAuthority } from "../policy/index.ts";

/** An answer, and what exactly it is for. */
export interface Verdict extends Answer {
  readonly subject: string;
}

export interface Question {
  readonly what: string;
  readonly access: "read" | "write";
  /** Where a relative path starts. */
  readonly cwd: string;
}

/** The policy's own answer to a question as it was written. */
export function judge(policy: Policy, { what, access, cwd }: Question): Verdict {
  if (isPath(what)) {
    const place = realPlace(path.resolve(cwd, what));
    return { subject: `${access} ${place}`, ...mayAccess(policy, place, access) };
  }
  const asked = parseAuthority(what, 443);
  if (!asked.ok) {
    throw new WorkcellError("WC_USAGE", {
      message: `Cannot judge "${printable(what)}": ${asked.reason}; it must be HOST, HOST:PORT or a PATH that starts with / or .`,
      remedy: "Write it like example.org, example.org:8443 or ./folder",
    });
  }
  const { rules: _, ...answer } = mayConnect(policy.network, asked);
  return { subject: `connect ${authorityText(asked.host, asked.port)}`, ...answer };
}

/** What stands for a path: anything else is a host. */
export function isPath(what: string): boolean {
  return what.startsWith("/") || what.startsWith(".");
}

/** The place a path leads to, links followed as far as it exists: what is asked about may still have to be made. */
function realPlace(place: string): string {
  try {
    return realpathSync(place);
  } catch (error) {
    const code = codeOf(error);
    const parent = path.dirname(place);
    if ((code !== "ENOENT" && code !== "ENOTDIR") || parent === place) {
      throw new WorkcellError("WC_USAGE", {
        message: `Cannot judge "${printable(place)}": it cannot be looked up (${code}); it must be a path that you can reach`,
        remedy: "Name a path that you can reach",
        cause: error,
      });
    }
    const link = lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink()
      ? readlinkSync(place)
      : undefined;
    return link === undefined
      ? path.join(realPlace(parent), path.basename(place))
      : realPlace(path.resolve(realPlace(parent), link));
  }
}
