import { readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { workplace } from "../../../test/helpers/agent-tools.ts";
import { edit } from "./edit.ts";
import { read } from "./read.ts";
import { write } from "./write.ts";

/** A file that has been read. */
async function known(content: string | Buffer) {
  const desk = workplace();
  const file = path.join(desk.folder, "file");
  writeFileSync(file, content, { mode: 0o640 });
  await desk.call(read, { file_path: file });
  const change = (old_string: string, new_string: string, more: object = {}) =>
    desk.call(edit, { file_path: file, old_string, new_string, ...more });
  return { ...desk, file, change, bytes: () => readFileSync(file), now: () => readFileSync(file, "utf8") };
}

test("Edit replaces the one occurrence, shows what stands there now, and leaves the rest of the file alone", async () => {
  const { change, now, file } = await known("a\nb\nc\nd\n");
  const { ino } = statSync(file);
  expect((await change("b\nc", "B\nX\nc")).text).toBe(
    `Changed "${file}". It now reads:\n     1→a\n     2→B\n     3→X\n     4→c\n     5→d\n     6→`,
  );
  expect([now(), statSync(file).ino, statSync(file).mode & 0o777]).toEqual(["a\nB\nX\nc\nd\n", ino, 0o640]);
});

test("Edit refuses what is missing, ambiguous, equal or empty, and then changes nothing", async () => {
  const { change, now } = await known("x = 1\nx = 1\n");
  await expect(change("y", "z")).rejects.toThrow("does not stand in");
  await expect(change("x = 1", "x = 2")).rejects.toThrow("stands 2 times");
  await expect(change("x", "x")).rejects.toThrow("are the same");
  await expect(change("", "x")).rejects.toThrow("is empty");
  expect(now()).toBe("x = 1\nx = 1\n");
  await change("x = 1", "x = 2", { replace_all: true });
  expect(now()).toBe("x = 2\nx = 2\n");
});

test("Edit takes what it is given as it is: no pattern of a replacement counts", async () => {
  const { change, now } = await known("price: N\n");
  await change("N", "$& $1 $$ \\n");
  expect(now()).toBe("price: $& $1 $$ \\n\n");
});

test("Edit refuses a file that was not read, or that changed since", async () => {
  const { call, file, change, now } = await known("a\n");
  writeFileSync(path.join(path.dirname(file), "other"), "a\n");
  await expect(call(edit, { file_path: "other", old_string: "a", new_string: "b" })).rejects.toThrow(
    "has not been read yet",
  );
  writeFileSync(file, "a\nb\n");
  await expect(change("a", "c")).rejects.toThrow("has changed since");
  // The same size, at another time.
  await call(read, { file_path: file });
  utimesSync(file, 1, 1);
  await expect(change("a", "c")).rejects.toThrow("has changed since");
  await call(read, { file_path: file });
  await change("a", "c");
  await change("c", "d");
  expect(now()).toBe("d\nb\n");
});

test("Edit keeps every other byte of a file that is not UTF-8", async () => {
  const before = Buffer.from("caf\xe9 \x80\xff\nprice 1\n", "latin1");
  const { change, bytes } = await known(before);
  await change("price 1", "price 2");
  expect(bytes()).toEqual(Buffer.from("caf\xe9 \x80\xff\nprice 2\n", "latin1"));
  await change("café", "thé");
  expect(bytes()).toEqual(Buffer.from("th\xe9 \x80\xff\nprice 2\n", "latin1"));
  await expect(change("price", "preis €")).rejects.toThrow("is not UTF-8");
  expect(bytes()).toEqual(Buffer.from("th\xe9 \x80\xff\nprice 2\n", "latin1"));
});

test.each(["utf16le", "utf16be"])("Edit keeps a file %s, with its mark", async (encoding) => {
  const made = (text: string) => {
    const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
    return encoding === "utf16be" ? bytes.swap16() : bytes;
  };
  const { change, bytes } = await known(made("größe = 1\n"));
  await change("größe = 1", "größe = 2");
  expect(bytes()).toEqual(made("größe = 2\n"));
});

test("Edit keeps a byte order mark and CR LF, though the text it is given has LF", async () => {
  const { change, now } = await known("\ufeffone\r\ntwo\r\nthree\r\n");
  await change("one\ntwo", "1\n2\n2b");
  expect(now()).toBe("\ufeff1\r\n2\r\n2b\r\nthree\r\n");
});

test("Edit refuses a binary file, and one that a link leads to it is changed in its place", async () => {
  const { call, folder, file } = await known("a\n");
  symlinkSync("file", path.join(folder, "link"));
  await call(edit, { file_path: "link", old_string: "a", new_string: "b" });
  expect(readFileSync(file, "utf8")).toBe("b\n");
  expect(statSync(file).isFile()).toBe(true);
});

test("Write makes folders and files, and replaces only what was read", async () => {
  const { call, folder, file, now } = await known("old\n");
  await expect(call(write, { file_path: "a/b/new", content: "x\ny\n" })).resolves.toEqual({
    text: `Made "${path.join(folder, "a/b/new")}": 2 lines, 4 bytes.`,
  });
  await call(write, { file_path: file, content: "new\n" });
  await call(write, { file_path: file, content: "newer\n" });
  expect(now()).toBe("newer\n");
  writeFileSync(file, "by somebody else\n");
  await expect(call(write, { file_path: file, content: "newest\n" })).rejects.toThrow("has changed since");
  await expect(call(write, { file_path: folder, content: "" })).rejects.toThrow("no plain file");
  expect(now()).toBe("by somebody else\n");
});

test("Write says when it changes a file's encoding", async () => {
  const { call, file } = await known(Buffer.from("caf\xe9", "latin1"));
  expect((await call(write, { file_path: file, content: "café" })).text).toContain(
    "It was in an 8-bit encoding and is UTF-8 now.",
  );
});
