import { readlinkSync } from "node:fs";
import path from "node:path";
import { realPlace } from "../../lib/real-place.ts";
import { globExpression } from "../tools/glob-pattern.ts";
import type { Tool } from "../tools/tool.ts";

/** `default` asks for what no rule allows; `dontAsk` refuses it; `plan` changes nothing. */
export const permissionModes = ["default", "acceptEdits", "bypassPermissions", "plan", "dontAsk"] as const;
export type PermissionMode = (typeof permissionModes)[number];

/** What a call may: by a rule or the mode, or only when somebody says so. */
export type Judgement =
  | { readonly decision: "allow" }
  | { readonly decision: "ask" }
  /** `isUnasked`: nothing denies it but that nobody is asked. */
  | { readonly decision: "deny"; readonly why: string; readonly isUnasked?: true };

export interface Rules {
  readonly mode: PermissionMode;
  /** `Tool` or `Tool(pattern)`. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export interface Call {
  readonly tool: Tool;
  readonly input: unknown;
  readonly cwd: string;
  /** The folder that the work began in, from which rules are read: a `cd` does not move them. */
  readonly root: string;
}

/** Judges a call by the rules: what denies is stronger than what allows, and a rule stronger than the mode. */
export function judge({ mode, allow, deny }: Rules, call: Call): Judgement {
  const denying = deny.find((rule) => matches(rule, call, "any"));
  if (denying !== undefined) return { decision: "deny", why: `the rule "${denying}" denies it` };
  const { tool } = call;
  if (mode === "bypassPermissions") return { decision: "allow" };
  if (mode === "plan" && !tool.readOnly)
    return { decision: "deny", why: "in the mode plan nothing is changed and no command is run" };
  if (allow.some((rule) => matches(rule, call, "all"))) return { decision: "allow" };
  // What a sub-agent does is judged call by call.
  if (tool.readOnly || tool.name === "Task") return { decision: "allow" };
  if (mode === "acceptEdits" && (tool.name === "Edit" || tool.name === "Write") && isBelow(call))
    return { decision: "allow" };
  if (mode === "dontAsk")
    return {
      decision: "deny",
      why: "no rule allows it, and nobody is asked in the mode dontAsk",
      isUnasked: true,
    };
  return { decision: "ask" };
}

function isBelow({ input, cwd, root }: Call): boolean {
  const file = path.resolve(cwd, text(input, "file_path"));
  const isIn = (one: string, folder: string) => {
    const relative = path.relative(folder, one);
    return relative !== "" && !relative.startsWith("..") && !path.isAbsolute(relative);
  };
  return isIn(file, root) && isIn(leadsTo(file), realPlace(root));
}

function text(input: unknown, name: string): string {
  const value =
    typeof input === "object" && input !== null ? new Map(Object.entries(input)).get(name) : undefined;
  return typeof value === "string" ? value : "";
}

/** `all`: every part of a command line must match, as an allowing rule needs; `any`: one is enough to deny. */
function matches(rule: string, call: Call, parts: "all" | "any"): boolean {
  const [, name, pattern] = /^([^()\s]+)\s*(?:\((.*)\))?$/s.exec(rule.trim()) ?? [];
  if (name === undefined || !isAbout(name, { tool: call.tool.name, parts, hasPattern: !!pattern }))
    return false;
  if (pattern === undefined || pattern === "" || pattern === "*") return true;
  if (name === "Bash") return commandMatches(text(call.input, "command"), { pattern, parts });
  if (name === "Task") return text(call.input, "subagent_type") === pattern;
  const named = text(call.input, "file_path") || text(call.input, "path") || ".";
  return fileMatches(path.resolve(call.cwd, named), pattern, { ...call, parts });
}

/** Files that may not be edited may not be written either, and those that may not be read not be searched. */
const alsoDenied: Readonly<Record<string, string>> = { Write: "Edit", Grep: "Read" };

function isAbout(
  name: string,
  of: { readonly tool: string; readonly parts: "all" | "any"; readonly hasPattern: boolean },
): boolean {
  return name === of.tool || (of.parts === "any" && of.hasPattern && alsoDenied[of.tool] === name);
}

/** Where a file is, or is made: a link to nothing is written through as well. */
function leadsTo(file: string, links = 40): string {
  const place = realPlace(file);
  try {
    return links === 0 ? place : leadsTo(path.resolve(path.dirname(place), readlinkSync(place)), links - 1);
  } catch {
    return place;
  }
}

/** SECURITY(P12): a link is as good a name as any, so what is denied is so by each name, and what is allowed by all. */
function fileMatches(
  file: string,
  pattern: string,
  { cwd, root, parts }: Pick<Call, "cwd" | "root"> & { readonly parts: "all" | "any" },
): boolean {
  const asNamed = pathMatches(file, pattern, root);
  if (parts === "any" && (asNamed || pathMatches(file, pattern, cwd))) return true;
  if (parts === "all" && !asNamed) return false;
  return pathMatches(leadsTo(file), pattern, realPlace(root));
}

/** Signs that make one command line out of several commands, or that make a command out of output. */
const joins = /&&|\|\||[;&|\n]/;
const hidden = /`|\$[([]|\$\{(?!\w+\})|[<>]/;
/** What parts commands as well, where it is only asked whether a denied one is among them. */
const begins = /&&|\|\||[;&|\n`(){}]/;
/** What may stand before the command's name. */
const before =
  /^(?:[!\s]+|(?:if|then|elif|else|while|until|do|time|exec|command|builtin|nohup|env)\s+|\w+=\S*\s+)+/;

function commandMatches(
  command: string,
  { pattern, parts }: { readonly pattern: string; readonly parts: "all" | "any" },
): boolean {
  const prefix = /^(.*):\*$/s.exec(pattern)?.[1];
  const expression =
    prefix === undefined
      ? new RegExp(`^${pattern.split("*").map(escaped).join(".*")}$`, "s")
      : // Blanks and tabs alone end a word in bash; of other white space names of programs are made.
        new RegExp(`^${escaped(prefix)}([ \\t].*)?$`, "s");
  const each = command.split(joins).map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ""));
  if (parts === "any")
    return [command.trim(), ...each, ...plainCommands(command)].some((part) => expression.test(part));
  // Quotes are not understood, so a sign within them asks once too often, and never once too little.
  return !hidden.test(command) && each.every((part) => expression.test(part));
}

/** The commands of a line, each as it is written plainly: `X=1 "/bin/rm" y` is `rm y`. */
function plainCommands(command: string): string[] {
  return command.split(begins).map((part) => {
    const [, name = "", rest = ""] = /^(\S*)(.*)$/s.exec(part.replace(before, "")) ?? [];
    return `${path.basename(name.replace(/["'\\]/g, ""))}${rest}`.trim();
  });
}

const escaped = (literal: string) => literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** `//x` is an absolute path, anything else below the folder, at any depth without a slash. */
function pathMatches(file: string, pattern: string, folder: string): boolean {
  if (pattern.startsWith("//")) return globExpression(pattern.slice(1)).test(file);
  if (pattern.startsWith("/"))
    return (
      globExpression(pattern).test(file) || globExpression(pattern.slice(1)).test(path.relative(folder, file))
    );
  const relative = path.relative(folder, file);
  return !relative.startsWith("..") && globExpression(pattern, { anyDepth: true }).test(relative);
}
