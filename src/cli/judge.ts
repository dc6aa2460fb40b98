import { lstatSync, readlinkSync, realpathSync, statSync } from "node:fs";
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
  /** Why a run would refuse to connect a folder; absent: none is refused. */
  readonly whyNot?: (folder: string, mode: "ro" | "rw") => string | undefined;
}

/** The policy's own answer to a question as it was written. */
export function judge(policy: Policy, question: Question): Verdict {
  const { what, access, cwd } = question;
  if (isPath(what)) {
    const place = realPlace(path.resolve(cwd, what));
    const answer = mayAccess(policy, place, access);
    const remedy = answer.decision === "allow" ? {} : { remedy: remedyFor(place, policy, question) };
    return { subject: `${access} ${place}`, ...answer, ...remedy };
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

/** How a path is had in a cell: by the folder that it is, or lies in, where a run would connect that. */
function remedyFor(place: string, policy: Policy, { access, whyNot }: Question): string {
  const mode = access === "read" ? "ro" : "rw";
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
  const around = policy.folders.filter(({ source }) => place === source || place.startsWith(`${source}/`));
  const [inner] = around.sort((one, other) => other.source.length - one.source.length);
  const folder = inner?.source ?? (isFolder ? place : path.dirname(place));
  const why = whyNot?.(folder, mode);
  if (why === undefined)
    return `workcell run -m ${typed(folder.includes(":") ? `src=${folder},mode=${mode}` : `${folder}:${mode}`)}`;
  return `copy what is needed to a folder of its own and connect that: "${folder}" cannot be connected, since ${why}`;
}

/** A word as a shell reads it back. */
const typed = (word: string): string =>
  /^[\w./:+@%,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

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
