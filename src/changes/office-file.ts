import { type ByteSource, counted, type FileDescription } from "./file-description.ts";
import { readMember, type ZipMember, zipDirectory } from "./zip-directory.ts";

interface OfficeKind {
  readonly format: string;
  /** A member that only this kind has. */
  readonly has: RegExp;
  /** What is counted, by members of the archive or by a number in a member. */
  readonly unit: string;
  readonly members?: RegExp;
  readonly number?: { readonly member: string; readonly pattern: RegExp };
}

const appPages = { member: "docProps/app.xml", pattern: /<Pages>(\d{1,7})<\/Pages>/ };
const odfNumber = (name: string) => ({
  member: "meta.xml",
  pattern: new RegExp(`meta:${name}-count="(\\d{1,7})"`),
});

const openXml: readonly OfficeKind[] = [
  { format: "Word document", has: /^word\/document\.xml$/, unit: "page", number: appPages },
  {
    format: "Excel workbook",
    has: /^xl\/workbook\.(xml|bin)$/,
    unit: "sheet",
    members: /^xl\/(work|chart)sheets\/[^/]+\.(xml|bin)$/,
  },
  {
    format: "PowerPoint presentation",
    has: /^ppt\/presentation\.xml$/,
    unit: "slide",
    members: /^ppt\/slides\/[^/]+\.xml$/,
  },
];

const openDocument: Readonly<Record<string, Omit<OfficeKind, "has">>> = {
  text: { format: "OpenDocument text", unit: "page", number: odfNumber("page") },
  spreadsheet: { format: "OpenDocument spreadsheet", unit: "sheet", number: odfNumber("table") },
  presentation: { format: "OpenDocument presentation", unit: "slide", number: odfNumber("page") },
};

/** Office files, which are zip archives, with what they say of their own length; other archives with their files. */
export async function describeArchive(
  source: ByteSource,
  head: Buffer,
): Promise<FileDescription | undefined> {
  if (!head.toString("latin1", 0, 4).startsWith("PK\x03\x04")) return undefined;
  const members = await zipDirectory(source);
  if (members === undefined) return undefined;
  const [, opened = ""] =
    /mimetypeapplication\/vnd\.oasis\.opendocument\.([a-z]+)/.exec(head.toString("latin1", 30, 120)) ?? [];
  const kind =
    (Object.hasOwn(openDocument, opened) ? openDocument[opened] : undefined) ??
    openXml.find(({ has }) => members.some(({ name }) => has.test(name)));
  if (kind === undefined) return { format: "zip archive", detail: counted(members.length, "file") };
  const count = await countOf(source, members, kind);
  return { format: kind.format, detail: count === undefined ? "length unknown" : counted(count, kind.unit) };
}

async function countOf(
  source: ByteSource,
  members: readonly ZipMember[],
  { members: pattern, number }: Omit<OfficeKind, "has">,
): Promise<number | undefined> {
  if (pattern !== undefined) return members.filter(({ name }) => pattern.test(name)).length;
  const member = members.find(({ name }) => name === number?.member);
  if (member === undefined || number === undefined) return undefined;
  const said = number.pattern.exec((await readMember(source, member)) ?? "")?.[1];
  return said === undefined ? undefined : Number(said);
}
