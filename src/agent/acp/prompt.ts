import { fileURLToPath } from "node:url";
import type { ContentBlockParam } from "../model/messages.ts";
import { isRecord } from "../protocol/control.ts";
import { RpcFault } from "./json-rpc.ts";

type Json = Readonly<Record<string, unknown>>;

const pictures = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const;

/** What an editor sends as a prompt, for the model. Throws RpcFault where a part cannot be told. */
export function contentOf(prompt: unknown): ContentBlockParam[] {
  if (!Array.isArray(prompt) || prompt.length === 0 || !prompt.every(isRecord))
    throw new RpcFault("params", "The prompt is not a list of content blocks.");
  return prompt.map(blockOf);
}

function blockOf(block: Json): ContentBlockParam {
  if (block["type"] === "text") return text(textOf(block, "text"));
  if (block["type"] === "image") return picture(block);
  if (block["type"] === "resource_link")
    return text(`${textOf(block, "name")}: ${placeOf(textOf(block, "uri"))}`);
  if (block["type"] === "resource" && isRecord(block["resource"])) {
    const { resource } = block;
    if (typeof resource["text"] === "string")
      return text(`<file path="${placeOf(textOf(resource, "uri"))}">\n${resource["text"]}\n</file>`);
    if (`${resource["mimeType"]}`.startsWith("image/"))
      return picture({ data: resource["blob"], mimeType: resource["mimeType"] });
  }
  throw new RpcFault("params", `A content block of the type "${block["type"]}" is not understood here.`);
}

function picture(block: Json): ContentBlockParam {
  const media_type = pictures.find((type) => type === block["mimeType"]);
  if (media_type === undefined)
    throw new RpcFault("params", `A picture is "${block["mimeType"]}"; it must be ${pictures.join(", ")}.`);
  return { type: "image", source: { type: "base64", media_type, data: textOf(block, "data") } };
}

const text = (said: string): ContentBlockParam => ({ type: "text", text: said });

function textOf(block: Json, name: string): string {
  const value = block[name];
  if (typeof value !== "string") throw new RpcFault("params", `A content block has no text as "${name}".`);
  return value;
}

/** A file's address as the path that the tools take. */
function placeOf(uri: string): string {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : uri;
  } catch {
    return uri;
  }
}
