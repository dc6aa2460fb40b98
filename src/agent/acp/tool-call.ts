import path from "node:path";
import type { ToolCallContent, ToolCallLocation, ToolKind } from "@agentclientprotocol/sdk";
import { readBoundedFile } from "../../lib/read-bounded-file.ts";
import type { ToolResultBlockParam } from "../model/messages.ts";
import { isRecord } from "../protocol/control.ts";

const kinds: Readonly<Record<string, ToolKind>> = {
  ...{ Task: "think", Bash: "execute", Glob: "search", Grep: "search", Read: "read" },
  ...{ Edit: "edit", Write: "edit" },
};

/** A file larger than this is shown without what it held before. */
const SHOWN_BYTES = 1024 * 1024;

/** A call that wants to be made, as an editor shows it. */
export interface ShownCall {
  readonly toolCallId: string;
  readonly title: string;
  readonly kind: ToolKind;
  readonly content: ToolCallContent[];
  readonly locations: ToolCallLocation[];
  readonly rawInput: unknown;
}

export function shownCall(call: {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  readonly cwd: string;
}): ShownCall {
  const { id, name, input, cwd } = call;
  const words = isRecord(input) ? input : {};
  const named = [words["file_path"], words["path"]].find((value) => typeof value === "string");
  const file = named === undefined ? undefined : path.resolve(cwd, named);
  const line = words["offset"];
  return {
    toolCallId: id,
    title: titleOf(name, words),
    kind: kinds[name] ?? "other",
    content: file === undefined ? [] : changeOf(name, file, words),
    locations: file === undefined ? [] : [{ path: file, ...(typeof line === "number" ? { line } : {}) }],
    rawInput: input,
  };
}

function titleOf(name: string, words: Readonly<Record<string, unknown>>): string {
  if (name === "Bash" && typeof words["command"] === "string") return words["command"];
  const subject = ["file_path", "pattern", "description", "path"]
    .map((field) => words[field])
    .find((value) => typeof value === "string");
  return subject === undefined ? name : `${name} ${subject}`;
}

/** What the call would change, before it has. */
function changeOf(name: string, file: string, words: Readonly<Record<string, unknown>>): ToolCallContent[] {
  const { old_string: from, new_string: to, content } = words;
  if (name === "Edit" && typeof from === "string" && typeof to === "string")
    return [{ type: "diff", path: file, oldText: from, newText: to }];
  if (name === "Write" && typeof content === "string")
    return [{ type: "diff", path: file, oldText: textBefore(file), newText: content }];
  return [];
}

function textBefore(file: string): string | null {
  try {
    return readBoundedFile(file, { limitBytes: SHOWN_BYTES, plainFile: true })?.toString() ?? null;
  } catch {
    // It is shown only: the call itself says what is wrong with the file.
    return null;
  }
}

/** What a tool answered, as an editor shows it. */
export function shownResult({ content = [] }: ToolResultBlockParam): ToolCallContent[] {
  const parts = typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
  return parts.flatMap((part): ToolCallContent[] => {
    if (part.type === "text") return [{ type: "content", content: { type: "text", text: part.text } }];
    if (part.type !== "image" || part.source.type !== "base64") return [];
    const { data, media_type: mimeType } = part.source;
    return [{ type: "content", content: { type: "image", data, mimeType } }];
  });
}
