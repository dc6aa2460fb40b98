import { type ByteSource, counted, type FileDescription } from "./file-description.ts";

const tailBytes = 1024 * 1024;
/** No PDF that a person reads has more; a larger number is no count of pages. */
const largestCount = 1_000_000;

/** A PDF and its pages, as far as the page tree is not packed away. */
export async function describePdf(source: ByteSource, head: Buffer): Promise<FileDescription | undefined> {
  if (!head.toString("latin1", 0, 5).startsWith("%PDF-")) return undefined;
  const from = Math.max(0, source.size - tailBytes);
  const tail = from < head.length ? Buffer.alloc(0) : await source.read(from, tailBytes);
  const pages = pagesIn(head.toString("latin1")) ?? pagesIn(tail.toString("latin1"));
  const version = /^%PDF-(\d\.\d)/.exec(head.toString("latin1", 0, 16))?.[1];
  return {
    format: "PDF document",
    detail: pages === undefined ? `version ${version ?? "unknown"}` : counted(pages, "page"),
  };
}

/** What the file's linearisation says, else the largest count of a page tree. */
function pagesIn(text: string): number | undefined {
  const linear = /\/Linearized [^>]{0,200}?\/N (\d{1,7})\b/.exec(text.slice(0, 2048))?.[1];
  if (linear !== undefined) return Number(linear);
  let most: number | undefined;
  for (const { index } of text.matchAll(/\/Type\s?\/Pages\b/g)) {
    const around = text.slice(Math.max(0, index - 300), index + 300);
    for (const [, count] of around.matchAll(/\/Count (\d{1,7})\b/g))
      most = Math.max(most ?? 0, Number(count));
  }
  return most !== undefined && most <= largestCount ? most : undefined;
}
