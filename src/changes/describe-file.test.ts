import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { describeFile } from "./describe-file.ts";

/** A file that is shorter than it was when its size was read by as much as is claimed. */
function describe(bytes: Buffer, claimed = 0) {
  return describeFile({
    size: bytes.length + claimed,
    read: async (from, length) => bytes.subarray(from, from + length),
  });
}

const latin1 = (text: string) => Buffer.from(text, "latin1");

/** An archive of these files, packed or not, as office programs write it. */
function zip(files: Readonly<Record<string, string>>, method: 0 | 8 = 8): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const packed = method === 8 ? deflateRawSync(text) : Buffer.from(text);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    parts.push(local, latin1(name), packed);
    directory.push(entry, latin1(name));
    offset += 30 + name.length + packed.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listed, end]);
}

const png = latin1("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x06\0\0\0");
const gif = latin1("GIF89a\x10\0\x20\0\0\0\0");
const jpeg = latin1("\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc4\0\x02\xff\xc0\0\x11\x08\x01\xe0\x02\x80\x03\0\0\0");
const webp = latin1(`RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0${"\0".repeat(8)}`);
const pdf = latin1("%PDF-1.7\n1 0 obj <</Type /Pages /Kids [2 0 R] /Count 12>>\nendobj");
const docx = zip({
  "word/document.xml": "x",
  "docProps/app.xml": "<Properties><Pages>3</Pages></Properties>",
});
const xlsx = zip({
  "xl/workbook.xml": "x",
  "xl/worksheets/sheet1.xml": "x",
  "xl/worksheets/sheet2.xml": "x",
});
const pptx = zip({
  "ppt/presentation.xml": "x",
  "ppt/slides/slide1.xml": "x",
  "ppt/slides/_rels/slide1.xml.rels": "x",
});
const odt = zip(
  { mimetype: "application/vnd.oasis.opendocument.text", "meta.xml": '<m meta:page-count="7"/>' },
  0,
);

test.each([
  [png, "PNG image", "640×480"],
  [gif, "GIF image", "16×32"],
  [jpeg, "JPEG image", "640×480"],
  [webp, "WebP image", "640×480"],
  [pdf, "PDF document", "12 pages"],
  [docx, "Word document", "3 pages"],
  [xlsx, "Excel workbook", "2 sheets"],
  [pptx, "PowerPoint presentation", "1 slide"],
  [odt, "OpenDocument text", "7 pages"],
  [zip({ a: "x", b: "y" }), "zip archive", "2 files"],
])("describeFile() knows %#: %s", async (bytes, format, detail) => {
  expect(await describe(bytes)).toEqual({ format, detail });
});

test("describeFile() says nothing of what it does not know", async () => {
  expect(await describe(latin1("\0\x01\x02"))).toBeUndefined();
  expect(await describe(Buffer.alloc(0))).toBeUndefined();
});

test("describeFile() bears every broken, cut and garbled file", async () => {
  const known = fc.constantFrom(png, gif, jpeg, webp, pdf, docx, xlsx, pptx, odt);
  const harm = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(known, harm, fc.nat(600), fc.nat(40), async (file, changes, length, claimed) => {
      const bytes = Buffer.from(file.subarray(0, Math.max(4, length)));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      const said = await describe(bytes, claimed);
      expect(typeof (said?.detail ?? "")).toBe("string");
    }),
    { numRuns: 3_000 },
  );
});

test("describeFile() unpacks no more than it needs", async () => {
  const bomb = zip({
    "word/document.xml": "x",
    "docProps/app.xml": `${" ".repeat(50_000_000)}<Pages>9</Pages>`,
  });
  expect(await describe(bomb)).toEqual({ format: "Word document", detail: "length unknown" });
});

test("describeFile() bears a member that lies where the file has ended meanwhile", async () => {
  const cut = Buffer.from(docx);
  cut.writeUInt32LE(cut.length - 2, cut.lastIndexOf("docProps/app.xml") - 46 + 42);
  expect(await describe(cut, 40)).toEqual({ format: "Word document", detail: "length unknown" });
});
