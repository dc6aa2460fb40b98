import { isInside } from "../lib/is-inside.ts";
import type { Answer, FolderRule, Policy } from "../model/index.ts";

/**
 * Decides for a path of the host, absolute and with symlinks resolved by the caller; the innermost connected folder
 * counts.
 */
export function mayAccess(policy: Policy, hostPath: string, access: "read" | "write"): Answer {
  const path = collapse(hostPath);
  if (path === undefined) return refused("not an absolute path", "built in", "Give the absolute path");
  const [folder] = policy.folders
    .filter((rule) => isInside(path, rule.source))
    .sort((one, other) => other.source.length - one.source.length);
  if (folder === undefined) return notConnected(policy.folders, path, access);
  const rule = `folder ${folder.source} (${folder.mode})`;
  // With `review` and `auto` a command may write: where that goes is not a question of whether.
  if (access === "read" || folder.mode !== "ro") {
    return { decision: "allow", layer: "files", rule, origin: folder.origin };
  }
  return refused(rule, folder.origin, `workcell run -m ${folder.source}:rw`);
}

/** The path without `.`, `..`, doubled and trailing slashes; undefined when it is not absolute. */
function collapse(path: string): string | undefined {
  if (!path.startsWith("/") || path.includes("\0")) return undefined;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function notConnected(folders: readonly FolderRule[], path: string, access: "read" | "write"): Answer {
  const count = folders.length;
  const origins = [...new Set(folders.map((rule) => rule.origin))].join("; ");
  const among = `not under ${count} connected ${count === 1 ? "folder" : "folders"}`;
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  return refused(
    count === 0 ? among : `${among} (${origins})`,
    count === 0 ? "built in" : origins,
    `workcell run -m ${folder}:${access === "read" ? "ro" : "rw"}`,
  );
}

function refused(rule: string, origin: string, remedy: string): Answer {
  return { decision: "deny", layer: "files", rule, origin, remedy };
}
