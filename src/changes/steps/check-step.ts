import type { Step } from "./step.ts";

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === "string";
const isDecimal = (value: unknown): boolean => typeof value === "string" && /^-?\d{1,30}$/.test(value);
const isWhole = (value: unknown): boolean => Number.isSafeInteger(value);
const isListOf = (value: unknown, isOne: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isOne);
const isAbsentOr = (value: unknown, isOne: (one: unknown) => boolean): boolean =>
  value === undefined || isOne(value);

const isFile = (value: unknown): boolean =>
  isFields(value) && isDecimal(value["device"]) && isDecimal(value["inode"]);

const isFolderIdentity = (value: unknown): boolean =>
  isFields(value) &&
  isFile(value) &&
  isAbsentOr(value["born"], isDecimal) &&
  isAbsentOr(value["keepsBirth"], (keeps) => keeps === true);

const isIdentity = (value: unknown): boolean =>
  isFields(value) &&
  isFile(value) &&
  isDecimal(value["ctimeNs"]) &&
  isDecimal(value["mtimeNs"]) &&
  isWhole(value["size"]);

const isAttributes = (value: unknown): boolean =>
  isFields(value) &&
  ["mode", "uid", "gid"].every((name) => isWhole(value[name])) &&
  isDecimal(value["mtimeNs"]);

const isPart = (value: unknown): boolean =>
  isFields(value) &&
  isText(value["path"]) &&
  ["file", "directory", "symlink"].includes(String(value["type"])) &&
  isAttributes(value["attributes"]) &&
  isText(value["from"]) &&
  isAbsentOr(value["sameFileAs"], isText);

const isOperation = (value: unknown): boolean =>
  isFields(value) &&
  ["place", "replace", "remove", "attributes"].includes(String(value["kind"])) &&
  ["path", "beside", "kept"].every((name) => isText(value[name])) &&
  isAbsentOr(value["before"], isIdentity) &&
  isAbsentOr(value["moved"], isText) &&
  isListOf(value["parts"], isPart);

const isPlaced = (value: unknown): boolean =>
  isFields(value) &&
  isText(value["path"]) &&
  isIdentity(value["identity"]) &&
  isAbsentOr(value["isFolder"], (isFolder) => isFolder === true) &&
  isAbsentOr(value["xattrs"], (all) => isFields(all) && Object.values(all).every(isText));

const isDone = (value: unknown): boolean =>
  isFields(value) &&
  isText(value["path"]) &&
  isAbsentOr(value["failed"], isText) &&
  isAbsentOr(value["open"], (open) => open === true) &&
  isAbsentOr(value["backNs"], isDecimal) &&
  isAbsentOr(value["placed"], (placed) => isListOf(placed, isPlaced));

const isStaged = (value: unknown): boolean => isFields(value) && Object.values(value).every(isFile);

/** A step as its journal says it; throws when any of it is missing or another than it must be. */
export function checkStep(value: unknown, number: number): Step {
  const isWholeStep =
    isFields(value) &&
    value["schema"] === "workcell.step/1" &&
    value["number"] === number &&
    ["apply", "undo"].includes(String(value["kind"])) &&
    ["planned", "staged", "done"].includes(String(value["state"])) &&
    ["folder", "layer", "time"].every((name) => isText(value[name])) &&
    isDecimal(value["decidedNs"]) &&
    isAbsentOr(value["folderIs"], isFolderIdentity) &&
    isAbsentOr(value["of"], isWhole) &&
    isAbsentOr(value["forgotten"], (forgotten) => forgotten === true) &&
    isListOf(value["operations"], isOperation) &&
    isAbsentOr(value["staged"], isStaged) &&
    isAbsentOr(value["done"], (done) => isListOf(done, isDone)) &&
    (value["state"] !== "done" || value["done"] !== undefined);
  if (!isWholeStep) throw new Error("it is no journal of this step");
  return value as unknown as Step;
}
