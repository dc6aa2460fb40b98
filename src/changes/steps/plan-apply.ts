import type { BytePath, Change, Entry } from "../../model/index.ts";
import { joinPath, nameOf, parentOf } from "../byte-path.ts";
import { type Attributes, identityOf, type Operation, type Part } from "./step.ts";

/** Set-id bits are never carried over. */
const CARRIED_BITS = 0o1777;
const SET_ID_BITS = 0o6000;
const OWNER_BITS = 0o700;

export interface ApplyRules {
  /** Word in the names that stand beside their places while a step is under way: nobody else has it. */
  readonly token: string;
  /** Folder, below the session's steps, of what this step keeps. */
  readonly keptFolder: string;
}

/** What cannot be carried over, and why. */
export interface Left {
  readonly path: BytePath;
  readonly why: string;
}

export interface Planned {
  readonly operations: readonly Operation[];
  readonly left: readonly Left[];
}

const carried: readonly string[] = ["file", "directory", "symlink"];

/** The name beside a path under which a step keeps what belongs there. */
export const besideOf = (path: BytePath, token: string, index: number): BytePath =>
  joinPath(parentOf(path), `.workcell-${token}-${index}`);

/**
 * Whoever the file of the layer belongs to: what a cell makes, to the folder's owner; what it only moved or wrote to, to whom it
 * belonged. SECURITY(P1): given to the folder's owner, a file that the cell may not read could be read once it was moved.
 */
function attributesOf({ mode, uid, gid, mtimeNs }: Entry): Attributes {
  return { mode: mode & CARRIED_BITS, uid, gid, mtimeNs: String(mtimeNs) };
}

function partOf(change: Change, after: Entry, input: { top: BytePath; rules: ApplyRules }): Part {
  const attributes = attributesOf(after);
  const needsFinish =
    after.type === "directory" &&
    (after.xattrs !== undefined || (after.mode & OWNER_BITS) !== OWNER_BITS || (after.mode & 0o1000) !== 0);
  return {
    path: change.path === input.top ? "" : change.path.slice(input.top.length + 1),
    type: after.type as Part["type"],
    attributes,
    from: change.path,
    ...(change.sameFileAs !== undefined && { sameFileAs: change.sameFileAs }),
    ...(needsFinish && { finish: true }),
  };
}

const kinds = { added: "place", changed: "replace", removed: "remove", attributes: "attributes" } as const;
type Growing = Operation & { readonly parts: Part[] };

function startOperation(change: Change, rules: ApplyRules, index: number): Growing {
  const { path, kind, before } = change;
  const decided = before === undefined ? {} : { before: identityOf(before) };
  const beside = besideOf(path, rules.token, index);
  return { kind: kinds[kind], path, ...decided, parts: [], beside, kept: `${rules.keptFolder}/${index}` };
}

/**
 * The operations that carry changes over, in the order of the changes. What is added as a whole folder, or takes a file's
 * place as one, is made beside and put in its place in one step. PURE.
 */
export function planApply(changes: readonly Change[], rules: ApplyRules): Planned {
  const operations: Growing[] = [];
  const left: Left[] = [];
  const chosen = new Set(changes.map(({ path }) => path));
  // Which operation a folder is made by.
  const makers = new Map<BytePath, Growing>();
  for (const change of changes) {
    const { path, after, kind } = change;
    if (after !== undefined && !carried.includes(after.type)) {
      left.push({ path, why: `a ${after.type} is not carried over` });
      continue;
    }
    if (losesSetId(change)) {
      left.push({ path, why: "its set-id bits would be lost: give it the other bits yourself" });
      continue;
    }
    const maker = makers.get(parentOf(path));
    const operation = maker ?? startOperation(change, rules, operations.length);
    if (maker === undefined) operations.push(operation);
    if (after === undefined) continue;
    operation.parts.push(linked(partOf(change, after, { top: operation.path, rules }), chosen));
    if (after.type === "directory" && kind !== "attributes") makers.set(path, operation);
  }
  return { operations, left };
}

/** No set-id bit is ever given, and so none can be given back: neither when its other bits change, nor by an undo. */
const losesSetId = ({ kind, before }: Change): boolean =>
  kind === "attributes" && before !== undefined && (before.mode & SET_ID_BITS) !== 0;

/** A name of a file whose first name is not carried over becomes a file of its own. */
function linked(part: Part, chosen: ReadonlySet<BytePath>): Part {
  if (part.sameFileAs === undefined || chosen.has(part.sameFileAs)) return part;
  const { sameFileAs: _gone, ...alone } = part;
  return alone;
}

/** True for a name that a step gave something for the time it is under way. */
export const isBeside = (path: BytePath, token: string): boolean =>
  nameOf(path).startsWith(`.workcell-${token}-`);
