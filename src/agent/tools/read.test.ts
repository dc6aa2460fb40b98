import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { workplace } from "../../../test/helpers/agent-tools.ts";
import { read } from "./read.ts";

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}`).join("\n");

function fileOf(content: string | Buffer) {
  const desk = workplace();
  const file = path.join(desk.folder, "file");
  writeFileSync(file, content);
  return { ...desk, file };
}

test("Read shows lines with their numbers, by an absolute or a relative path", async () => {
  const { call, file } = fileOf("one\n\tzwei ü\n");
  const text = "     1→one\n     2→\tzwei ü";
  expect(await call(read, { file_path: file })).toEqual({ text });
  expect(await call(read, { file_path: "file" })).toEqual({ text });
});

test("Read shows 2000 lines, and says how many there are and how the rest is read", async () => {
  const { call, file } = fileOf(lines(2500));
  const { text } = await call(read, { file_path: file });
  expect(text.split("\n")).toHaveLength(2001);
  expect(text).toContain("[Lines 1 to 2000 of 2500; the rest: Read with offset 2001]");
  expect((await call(read, { file_path: file, offset: 2499, limit: 5 })).text).toBe(
    "  2499→line 2499\n  2500→line 2500\n[Lines 2499 to 2500 of 2500]",
  );
  await expect(call(read, { file_path: file, offset: 2501 })).rejects.toThrow("has 2500 lines");
});

test("Read cuts a very long line and a very long answer, and says by how much", async () => {
  const { call, file } = fileOf(`${"x".repeat(5000)}\nend`);
  expect((await call(read, { file_path: file })).text).toContain("[3000 more characters in this line");
  writeFileSync(file, `${"y".repeat(1900)}\n`.repeat(1000));
  const { text } = await call(read, { file_path: file });
  expect(text.length).toBeLessThan(101_000);
  expect(text).toMatch(/\[Lines 1 to 52 of 1000; the rest: Read with offset 53\]$/);
});

test.each([
  ["png", Buffer.from("89504e470d0a1a0a0000", "hex"), "image", "image/png"],
  ["jpeg", Buffer.from("ffd8ffe000104a46", "hex"), "image", "image/jpeg"],
  ["gif", Buffer.from("GIF89a...."), "image", "image/gif"],
  ["webp", Buffer.from("RIFF1234WEBPVP8 "), "image", "image/webp"],
  ["pdf", Buffer.from("%PDF-1.7\n%\xe2"), "document", "application/pdf"],
])("Read shows a %s as such, whatever it is called", async (_, bytes, type, media_type) => {
  const { call, file } = fileOf(bytes);
  const { attachments } = await call(read, { file_path: file });
  expect(attachments).toEqual([
    { type, source: { type: "base64", media_type, data: bytes.toString("base64") } },
  ]);
});

test("Read shows 8-bit and UTF-16 text, and names the encoding and CR LF", async () => {
  const { call, file } = fileOf(Buffer.from("caf\xe9\r\nna\xefve\r\n", "latin1"));
  const { text } = await call(read, { file_path: file });
  expect(text).toContain("     1→café\n     2→naïve\n[Lines end with CR LF]\n[Not UTF-8: shown as Latin-1");
  writeFileSync(file, Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("größe", "utf16le")]));
  expect((await call(read, { file_path: file })).text).toContain("     1→größe\n[UTF-16, little endian");
});

test("Read refuses what it would hang at or drown in, and says what to do instead", async () => {
  const { call, folder, file } = fileOf(Buffer.from([0x7f, 0x45, 0x00, 0x01]));
  await expect(call(read, { file_path: file })).rejects.toThrow("is binary (4 bytes)");
  await expect(call(read, { file_path: folder })).rejects.toThrow("is a folder");
  await expect(call(read, { file_path: "/dev/zero" })).rejects.toThrow("no plain file");
  execFileSync("mkfifo", [path.join(folder, "pipe")]);
  await expect(call(read, { file_path: "pipe" })).rejects.toThrow("no plain file");
  truncateSync(file, 65 * 1024 * 1024);
  await expect(call(read, { file_path: file })).rejects.toThrow("opens at most");
  await expect(call(read, { file_path: "none" })).rejects.toThrow("There is no file");
});

test("Read follows a link, reads files of /proc, and says that an empty file is empty", async () => {
  const { call, folder, file } = fileOf("");
  mkdirSync(path.join(folder, "deep"));
  symlinkSync("../file", path.join(folder, "deep/link"));
  expect((await call(read, { file_path: "deep/link" })).text).toBe(`[The file "${file}" is empty.]`);
  expect((await call(read, { file_path: "/proc/self/status" })).text).toContain("→Name:");
});
