import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { failureOf } from "../../../test/helpers/failure.ts";
import type { CredentialSource } from "../../model/index.ts";
import { makeReader, type ReaderPlace } from "./make-reader.ts";

const secret = "sk-real-0123456789";
const folder = mkdtempSync(path.join(os.tmpdir(), "credential-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string, mode = 0o600): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

const of = { route: "model.workcell", origin: "the test" };
const readerOf = (source: CredentialSource, place: Partial<ReaderPlace> = {}) => {
  const env = { PATH: `${folder}:/usr/bin:/bin`, HOME: folder };
  const { signal } = new AbortController();
  return makeReader(source, of, { env, writable: [], signal, now: () => 0, ...place });
};
const command = (text: string, timeoutMs = 5_000): CredentialSource => ({
  command: [write("ask", `#!/bin/sh\n${text}\n`, 0o700)],
  timeoutMs,
});

test("a variable, a file and a command give their value without the line end", async () => {
  const variable = readerOf({ environment: "KEY" }, { env: { KEY: secret } });
  const file = readerOf({ file: write("good", `${secret}\n`) });
  const program = readerOf(command(`echo ${secret}`));
  expect(await Promise.all([variable, file, program].map((reader) => reader.read()))).toEqual([
    secret,
    secret,
    secret,
  ]);
  expect([variable, file, program].map((reader) => reader.check?.())).toEqual([[secret], [secret], []]);
});

symlinkSync(write("target", secret), path.join(folder, "link"));
mkdirSync(path.join(folder, "folder"), { mode: 0o700 });

const badFiles: readonly (readonly [why: string, file: string, problem: string])[] = [
  ["that its group may read", write("group", secret, 0o640), "others may read or write it (mode 0640)"],
  ["that everybody may read", write("world", secret, 0o604), "others may read or write it (mode 0604)"],
  ["that others may write", write("written", secret, 0o602), "others may read or write it (mode 0602)"],
  ["that is a link", path.join(folder, "link"), "it is a symbolic link"],
  ["that is a folder", path.join(folder, "folder"), "it is no plain file"],
  ["that is not there", path.join(folder, "absent"), "there is no such file"],
  ["that is empty", write("empty", "\n"), "is empty"],
  ["of two lines", write("two", `${secret}\n${secret}\n`), "is no one line of printable ASCII"],
  ["with a control character", write("control", `${secret}\u0007`), "is no one line of printable ASCII"],
  ["that is too large", write("large", "a".repeat(70_000)), "it is too large"],
];

test.each(badFiles)("a file %s is refused, without its content", async (_, file, problem) => {
  const { code, message, remedy } = await failureOf(() => readerOf({ file }).check?.());
  expect([code, message]).toEqual(["WC_CREDENTIAL", expect.stringContaining(problem)]);
  expect(message).toContain('route "model.workcell" (the test)');
  expect(message + remedy).not.toContain(secret);
});

test.skipIf(process.getuid?.() !== 0)("a file of somebody else's is refused", async () => {
  const { chownSync } = await import("node:fs");
  const file = write("theirs", secret);
  chownSync(file, 54_321, 54_321);
  expect((await failureOf(() => readerOf({ file }).check?.())).message).toContain("it belongs to uid 54321");
});

test("a variable that is not set is told with the remedy", async () => {
  expect(await failureOf(() => readerOf({ environment: "KEY" }).check?.())).toEqual({
    code: "WC_CREDENTIAL",
    message:
      'Cannot have the credential of the route "model.workcell" (the test): the variable KEY is not set, and its value is needed',
    remedy: "Set it: export KEY=...",
  });
});

test.each([
  ["fails", `echo ${secret}; exit 3`, "ended with 3"],
  ["prints nothing", "true", "is empty"],
  ["prints two lines", `echo ${secret}; echo ${secret}`, "is no one line"],
  ["prints without end", "exec yes", "printed more than a credential"],
  ["is killed", "kill -9 $$", "ended with SIGKILL"],
])("a command that %s is told without what it printed", async (_, text, problem) => {
  const { code, message } = await failureOf(() => readerOf(command(text)).read());
  expect([code, message]).toEqual(["WC_CREDENTIAL", expect.stringContaining(problem)]);
  expect(message).not.toContain(secret);
});

test("a command that hangs is ended with all that it started", async () => {
  const mark = path.join(folder, "still-there");
  const text = `(sleep 1; touch ${mark}) & sleep 600`;
  const { message } = await failureOf(() => readerOf(command(text, 200)).read());
  expect(message).toContain("has not answered within 200 ms");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(existsSync(mark)).toBe(false);
});

test("a command is ended with its cell", async () => {
  const end = new AbortController();
  const reading = failureOf(() => readerOf(command("sleep 600"), { signal: end.signal }).read());
  end.abort();
  expect((await reading).message).toContain("was ended with its cell");
});

test("a command is asked once for a while, and again when its answer was refused or has failed", async () => {
  let now = 0;
  const log = path.join(folder, "log");
  const reader = readerOf(command(`echo x >> ${log}; wc -l < ${log}`), { now: () => now });
  expect(await Promise.all([reader.read(), reader.read()])).toEqual(["1", "1"]);
  now = 299_999;
  expect(await reader.read()).toBe("1");
  reader.refused?.();
  expect(await reader.read()).toBe("2");
  now += 300_000;
  expect(await reader.read()).toBe("3");
});

test("a command is no shell's, and runs in / with the person's environment", async () => {
  const text = 'echo "$(pwd) $OWN $1"';
  const { command: [program = ""] = [] } = command(text) as { command: readonly string[] };
  const source = { command: [program, "$(id); a b"], timeoutMs: 5_000 };
  const env = { PATH: "/usr/bin:/bin", OWN: "own" };
  expect(await readerOf(source, { env }).read()).toBe("/ own $(id); a b");
});

test("a program that a cell could have put there is not run", async () => {
  const program = path.join(folder, "ask");
  command("echo no");
  for (const name of [program, "ask", "./ask"]) {
    const reader = readerOf({ command: [name], timeoutMs: 5_000 }, { writable: [folder] });
    expect((await failureOf(() => reader.check?.())).message).toContain(
      "was not found outside of what a cell",
    );
  }
  // The control: it is the folder that makes the difference.
  expect(await readerOf({ command: ["ask"], timeoutMs: 5_000 }).read()).toBe("no");
});
