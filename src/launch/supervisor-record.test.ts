import { expect, test } from "vitest";
import { SupervisorReader } from "./supervisor-record.ts";

function read(...messages: readonly Record<string, unknown>[]) {
  const reader = new SupervisorReader();
  for (const message of messages) reader.push(message);
  return reader.record;
}

const nothing = { refused: [], shell: { complaints: [] } };

test("SupervisorReader gathers what cellhost tells of a cell, from ready to its end", () => {
  expect(
    read(
      { t: "listen", name: "http" },
      { t: "ready", pid: 11, command: 13, landlock: 7 },
      { t: "deny", nr: 90, arch: "x86_64", args: ["1"], pid: 13, comm: "chmod" },
      { t: "exit", status: 256, cpuUs: 1, maxRssKb: 1 },
      { t: "end", status: 256, cpuUs: 2500, maxRssKb: 4 },
    ),
  ).toEqual({
    ...nothing,
    ready: { hostPid: 11, commandPid: 13, landlockAbi: 7 },
    refused: [{ nr: 90, program: "chmod" }],
    status: 256,
    endCode: 1,
    used: { cpuMs: 3, maxRssBytes: 4096 },
  });
});

test("SupervisorReader keeps what the inside could not do, and what bwrap complained of", () => {
  expect(read({ t: "failed", step: "execute", errno: "ENOENT", code: 127 }).failed).toEqual({
    step: "execute (ENOENT)",
    code: 127,
  });
  expect(read({ t: "failed", step: "seal", errno: "EPERM", code: 3 }).failed?.code).toBe(125);
  expect(read({ t: "line", text: "bwrap: no" }).shell.complaints).toEqual(["bwrap: no"]);
});

test("SupervisorReader takes bytes for what they were, and passes over what it does not know", () => {
  const comm = Buffer.from("naïve").toString("latin1");
  expect(read({ t: "deny", nr: 1, comm }).refused).toEqual([{ nr: 1, program: "naïve" }]);
  expect(read({ t: "hello" }, {}, { t: 5 })).toEqual(nothing);
  expect(read({ t: "ready", pid: "11", command: null }).ready).toEqual({
    hostPid: 0,
    commandPid: 0,
    landlockAbi: 0,
  });
});
