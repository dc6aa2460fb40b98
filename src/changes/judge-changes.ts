import { posix } from "node:path";
import type { BytePath, Change, ChangeClass, JudgedChange } from "../model/index.ts";
import { isWithin, parentOf, partsOf } from "./byte-path.ts";
import { foldedParts, inDependencyTree, matchProtected, type Subject } from "./match-protected.ts";

/** What of the files' contents decides, read beforehand by `readJudgingFacts`. */
export interface JudgingFacts {
  /** New files of a refused kind whose content gives no program anything to run. */
  readonly inert: ReadonlySet<BytePath>;
  /** Files that are refused for what they are or complete, with the reason: bare repositories' own, and hooks elsewhere. */
  readonly refused: ReadonlyMap<BytePath, string>;
  /** Folders of libraries in virtual environments that the host has already; absent: none. */
  readonly environments?: ReadonlySet<BytePath>;
  /** Changed files whose content on the host is binary. */
  readonly binary: ReadonlySet<BytePath>;
}

export interface JudgeOptions {
  /** In `auto` what cannot be had back by typing waits for the person. */
  readonly mode: "review" | "auto";
  /** What the person named on the command line. */
  readonly namedByPerson: readonly BytePath[];
  readonly facts: JudgingFacts;
  /** Absolute path of the connected folder, which may itself lie in a protected place; absent: it does not. */
  readonly folderPath?: string;
}

interface Judgement {
  readonly class: ChangeClass;
  readonly reason?: string;
}

const plain: Judgement = { class: "plain" };
const setIdBits = 0o6000;
const othersBits = 0o077;
const severity: readonly ChangeClass[] = ["plain", "marked", "waiting", "refused"];

/** Says of each change whether it is applied, pointed out, held back for the person, or refused, and why. */
export function judgeChanges(changes: readonly Change[], options: JudgeOptions): readonly JudgedChange[] {
  const trees = options.facts.environments ?? new Set<BytePath>();
  const above = options.folderPath === undefined ? [] : foldedParts(options.folderPath.replace(/^\/+/, ""));
  const named = new Set(options.namedByPerson);
  return changes.map((change) => {
    const judgements = [
      protection(change, { options, trees, above }),
      special(change),
      options.mode === "auto" && !isNamed(change.path, named) ? caution(change, options.facts) : plain,
      linkOut(change, options, isNamed(change.path, named)),
      setId(change),
    ];
    return { ...change, ...together(judgements) };
  });
}

/** The gravest class, with the reasons of all that are not plain. */
function together(judgements: readonly Judgement[]): Judgement {
  if (judgements.every((each) => each === plain)) return plain;
  const reasons = judgements.flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
  const gravest = Math.max(...judgements.map((each) => severity.indexOf(each.class)));
  return { class: severity[gravest] ?? "refused", ...(reasons.length > 0 && { reason: reasons.join("; ") }) };
}

interface Judging {
  readonly options: JudgeOptions;
  readonly trees: ReadonlySet<BytePath>;
  readonly above: readonly string[];
}

function protection(change: Change, { options, trees, above }: Judging): Judgement {
  const { facts, namedByPerson } = options;
  const own = isSampleHook(change) ? undefined : facts.refused.get(change.path);
  if (own !== undefined) {
    return namedByPerson.includes(change.path)
      ? { class: "marked", reason: `named by you: ${own}` }
      : { class: "refused", reason: own };
  }
  const match = matchProtected(subjectOf(change), above);
  if (match === undefined) return plain;
  const { rule, depth } = match;
  const reason = change.kind === "removed" ? `it takes away what is protected: ${rule.reason}` : rule.reason;
  if (rule.class === "marked") return { class: "marked", reason };
  if (facts.inert.has(change.path) || isSampleHook(change)) return plain;
  // Only a name that reaches into the protected thing itself counts: who names the folder above has not looked.
  if (namedByPerson.some((name) => partsOf(name).length >= depth && isWithin(change.path, name))) {
    return { class: "marked", reason: `named by you: ${reason}` };
  }
  if (rule.everywhere !== true && inDependencyTree(change.path, trees)) {
    return { class: "marked", reason: `in a tree of dependencies: ${reason}` };
  }
  return { class: "refused", reason };
}

function subjectOf({ path, kind, after }: Change): Subject {
  return {
    path,
    executable: after?.type === "file" && (after.mode & 0o111) !== 0,
    standsForTree: after?.type === "symlink",
    plainFolder: kind !== "removed" && after?.type === "directory",
  };
}

/** Git's own examples, which git does not run under this name. */
function isSampleHook({ path, kind, after }: Change): boolean {
  return kind === "added" && after?.type === "file" && /(^|\/)hooks\/[a-z][a-z0-9-]*\.sample$/.test(path);
}

/** Sockets, pipes and devices mean something to a running program only, and nothing in a folder. */
function special({ after }: Change): Judgement {
  if (after?.tooDeep === true)
    return { class: "refused", reason: "what is in it is nested too deep to be looked at" };
  const type = after?.type;
  return type === "socket" || type === "fifo" || type === "device"
    ? { class: "refused", reason: `a ${type === "fifo" ? "pipe" : type} is not carried over` }
    : plain;
}

function isNamed(path: BytePath, named: ReadonlySet<BytePath>): boolean {
  for (let at = path; at !== ""; at = parentOf(at)) if (named.has(at)) return true;
  return named.has("");
}

function caution({ path, kind, before, after }: Change, facts: JudgingFacts): Judgement {
  if (kind === "removed") return { class: "waiting", reason: "it is removed" };
  if (kind === "added" || before === undefined || after === undefined) return plain;
  if (before.type !== after.type && before.type !== "symlink") {
    return { class: "waiting", reason: `it was a ${before.type} and is gone for a ${after.type}` };
  }
  if (before.type !== "symlink" && (after.mode & ~before.mode & othersBits) !== 0) {
    return { class: "waiting", reason: "others get more rights to it" };
  }
  if (kind !== "changed" || before.type !== "file") return plain;
  if (before.size > 0 && after.size === 0) return { class: "waiting", reason: "it is emptied" };
  return facts.binary.has(path) ? { class: "waiting", reason: "a binary file is overwritten" } : plain;
}

/** A link that leads out of the folder: whoever writes through it later writes somewhere else. */
function linkOut({ path, after }: Change, options: JudgeOptions, isNamed: boolean): Judgement {
  if (after?.type !== "symlink" || after.target === undefined) return plain;
  if (!leadsOut(path, after.target)) return plain;
  if (leadsToSessions(path, after.target, options.folderPath)) {
    return { class: "refused", reason: "a symlink that leads to what Workcell keeps of its sessions" };
  }
  const waits = options.mode === "auto" && !isNamed;
  return { class: waits ? "waiting" : "marked", reason: "a symlink that leads out of the folder" };
}

function leadsOut(path: BytePath, target: BytePath): boolean {
  if (target.startsWith("/")) return true;
  let depth = partsOf(path).length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** Into the state of sessions, or to it: there lie the layers that a later session's programs write. */
function leadsToSessions(path: BytePath, target: BytePath, folderPath: string | undefined): boolean {
  const folder = Buffer.from(folderPath ?? "").toString("latin1");
  const from = target.startsWith("/") ? target : `${folder}/${parentOf(path)}/${target}`;
  return (
    /\/workcell(\/sessions(\/.*)?)?\/?$/s.test(posix.normalize(from)) || /\/workcell\/sessions\//.test(target)
  );
}

function setId({ after }: Change): Judgement {
  return after?.type === "file" && (after.mode & setIdBits) !== 0
    ? { class: "marked", reason: "its set-id bits are stripped" }
    : plain;
}
