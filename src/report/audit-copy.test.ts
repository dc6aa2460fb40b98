import { spawnSync } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import type { AuditLine } from "../model/index.ts";
import { GENESIS, sealEvent } from "./audit-chain.ts";
import { openCopy } from "./audit-copy.ts";

const line = (subject: string): AuditLine =>
  sealEvent(
    {
      ...{ session: "s", cell: "c1", kind: "connect", decision: "deny", layer: "gate" },
      ...{ rule: "r", origin: "o", subject },
    },
    "2026-01-02T03:04:05.678Z",
    { seq: 0, hash: GENESIS },
  );
const text = (lines: readonly AuditLine[]) => lines.map((each) => `${JSON.stringify(each)}\n`).join("");

test("openCopy() appends batches in order, on a line of their own", async () => {
  const file = path.join(tempFolder(), "copy");
  writeFileSync(file, "mine, without newline");
  const copy = openCopy(openSync(file, "a"));
  const lines = Array.from({ length: 3500 }, (_, index) => line(`h${index}:80`));
  copy.append(lines.slice(0, 1500));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(readFileSync(file, "utf8").length).toBeGreaterThan(30);
  copy.append(lines.slice(1500));
  await copy.close();
  expect(readFileSync(file, "utf8")).toBe(`mine, without newline\n${text(lines)}`);
});

test("openCopy() writes nothing for no lines, and needs no newline in a new file", async () => {
  const file = path.join(tempFolder(), "copy");
  await openCopy(openSync(file, "a")).close();
  expect(readFileSync(file, "utf8")).toBe("");
  const copy = openCopy(openSync(file, "a"));
  copy.append([line("a:1")]);
  await copy.close();
  expect(readFileSync(file, "utf8")).toBe(text([line("a:1")]));
});

test("openCopy() drops what a reader does not take, and says so at the end", async () => {
  const fifo = path.join(tempFolder(), "fifo");
  expect(spawnSync("mkfifo", [fifo]).status).toBe(0);
  const reader = openSync(fifo, "r+");
  const copy = openCopy(openSync(fifo, "a"), 3);
  for (let index = 0; index < 50; index += 1) copy.append([line(`h${index}:80`)]);
  await expect(copy.close()).rejects.toMatchObject({
    code: "WC_AUDIT",
    message: expect.stringMatching(/fifo" \(flag --audit\): 4[67] lines came faster than it takes them/),
  });
  const { readSync, closeSync } = await import("node:fs");
  const got = Buffer.alloc(65_536);
  const count = readSync(reader, got);
  closeSync(reader);
  expect([3, 4]).toContain(got.toString("utf8", 0, count).trim().split("\n").length);
});

test("openCopy() says at the end that the file cannot be written", async () => {
  const copy = openCopy(openSync("/dev/full", "a"));
  copy.append([line("a:1")]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  copy.append([line("b:1")]);
  await expect(copy.close()).rejects.toMatchObject({
    code: "WC_AUDIT",
    message: expect.stringContaining('"/dev/full" (flag --audit): ENOSPC'),
  });
});
