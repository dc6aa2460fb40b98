import { lstatSync, readlinkSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { codeOf, WorkcellError } from "../errors/index.ts";
import { printable } from "../lib/printable.ts";
import type { Answer, Policy } from "../model/index.ts";
import type { Shown } from "../plan/index.ts";
import { authorityText, mayAccess, mayConnect, parseAuthority } from "../policy/index.ts";
import { folderAround, heldBack, type KeptBack } from "./held-back.ts";
import { typed } from "./typed.ts";

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
  /** What every cell has, where a path of the host is part of that. */
  readonly shown?: (place: string) => Promise<Shown | undefined>;
  /** What of a connected folder is kept back all the same; absent: what is protected everywhere. */
  readonly kept?: KeptBack;
}

/** The policy's own answer to a question as it was written. */
export async function judge(policy: Policy, question: Question): Promise<Verdict> {
  const { what, access, cwd } = question;
  if (isPath(what)) {
    const place = realPlace(path.resolve(cwd, what));
    const subject = `${access} ${place}`;
    const answer = mayAccess(policy, place, access);
    if (answer.decision === "allow") {
      const folder = folderAround(policy, place);
      const { kept = { facts: {}, settings: {} } } = question;
      const held = folder === undefined ? undefined : heldBack({ place, access, cwd }, folder, kept);
      return { subject, ...(held ?? answer) };
    }
    const isConnected = folderAround(policy, place) !== undefined;
    const shown = isConnected ? undefined : await question.shown?.(place);
    if (shown !== undefined) return { subject, ...shownAnswer(shown, access) };
    return { subject, ...answer, remedy: remedyFor(place, policy, question) };
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

/** The system, and tools: every cell reads them, and none writes to them. */
function shownAnswer({ place, mount }: Shown, access: "read" | "write"): Answer {
  const seen = `${mount.target} (ro): ${mount.reason}`;
  const rule = mount.source === mount.target ? seen : `${seen}; it stands at ${place} in the cell`;
  const answer = { layer: "files", rule, origin: "built in" } as const;
  if (access === "read") return { decision: "allow", ...answer };
  return {
    decision: "deny",
    ...answer,
    remedy: "copy what is to be changed to a folder of its own and connect that",
  };
}

/** How a path is had in a cell: by the folder that it is, or lies in, where a run would connect that. */
function remedyFor(place: string, policy: Policy, { access, whyNot }: Question): string {
  const mode = access === "read" ? "ro" : "rw";
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
  const folder = folderAround(policy, place)?.source ?? (isFolder ? place : path.dirname(place));
  const why = whyNot?.(folder, mode);
  if (why === undefined)
    return `workcell run -m ${typed(folder.includes(":") ? `src=${folder},mode=${mode}` : `${folder}:${mode}`)}`;
  return `copy what is needed to a folder of its own and connect that: "${folder}" cannot be connected, since ${why}`;
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
