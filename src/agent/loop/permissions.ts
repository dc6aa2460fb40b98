import path from "node:path";
import { globExpression } from "../tools/glob-pattern.ts";
import type { Tool } from "../tools/tool.ts";

/** `default` asks for what no rule allows; `dontAsk` refuses it; `plan` changes nothing. */
export const permissionModes = ["default", "acceptEdits", "bypassPermissions", "plan", "dontAsk"] as const;
export type PermissionMode = (typeof permissionModes)[number];

/** What a call may: by a rule or the mode, or only when somebody says so. */
export type Judgement =
  | { readonly decision: "allow" }
  | { readonly decision: "ask" }
  | { readonly decision: "deny"; readonly why: string };

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
    return { decision: "deny", why: "no rule allows it, and nobody is asked in the mode dontAsk" };
  return { decision: "ask" };
}

function isBelow({ input, cwd }: Call): boolean {
  const relative = path.relative(cwd, path.resolve(cwd, text(input, "file_path")));
  return relative !== "" && !relative.startsWith("..") && !path.isAbsolute(relative);
}

function text(input: unknown, name: string): string {
  const value =
    typeof input === "object" && input !== null ? new Map(Object.entries(input)).get(name) : undefined;
  return typeof value === "string" ? value : "";
}

/** `all`: every part of a command line must match, as an allowing rule needs; `any`: one is enough to deny. */
function matches(rule: string, call: Call, parts: "all" | "any"): boolean {
  const [, name, pattern] = /^([^()\s]+)\s*(?:\((.*)\))?$/s.exec(rule.trim()) ?? [];
  if (name !== call.tool.name) return false;
  if (pattern === undefined || pattern === "" || pattern === "*") return true;
  if (name === "Bash") return commandMatches(text(call.input, "command"), { pattern, parts });
  if (name === "Task") return text(call.input, "subagent_type") === pattern;
  const named = text(call.input, "file_path") || text(call.input, "path") || ".";
  return pathMatches(path.resolve(call.cwd, named), pattern, call.cwd);
}

/** Signs that make one command line out of several commands, or that make a command out of output. */
const joins = /&&|\|\||[;&|\n]/;
const hidden = /`|\$\(|<\(|>\(|[<>]/;

function commandMatches(
  command: string,
  { pattern, parts }: { readonly pattern: string; readonly parts: "all" | "any" },
): boolean {
  const prefix = /^(.*):\*$/s.exec(pattern)?.[1];
  const expression =
    prefix === undefined
      ? new RegExp(`^${pattern.split("*").map(escaped).join(".*")}$`, "s")
      : new RegExp(`^${escaped(prefix)}(\\s.*)?$`, "s");
  const each = command.split(joins).map((part) => part.trim());
  if (parts === "any") return [command.trim(), ...each].some((part) => expression.test(part));
  // Quotes are not understood, so a sign within them asks once too often, and never once too little.
  return !hidden.test(command) && each.every((part) => expression.test(part));
}

const escaped = (literal: string) => literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** `//x` is an absolute path, `~/x` below the home, anything else below the current folder, at any depth without a slash. */
function pathMatches(file: string, pattern: string, cwd: string): boolean {
  if (pattern.startsWith("//")) return globExpression(pattern.slice(1)).test(file);
  if (pattern.startsWith("/"))
    return (
      globExpression(pattern).test(file) || globExpression(pattern.slice(1)).test(path.relative(cwd, file))
    );
  const relative = path.relative(cwd, file);
  return !relative.startsWith("..") && globExpression(pattern, { anyDepth: true }).test(relative);
}
