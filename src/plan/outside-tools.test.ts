import { expect, test } from "vitest";
import { facts } from "../../test/helpers/plan-input.ts";
import type { ToolPlace } from "../model/index.ts";
import { homeToolMounts, kitMounts } from "./outside-tools.ts";

const place = (path: string, realPath = path): ToolPlace => ({ path, realPath, reason: "a tool" });

const mountsOf = (places: readonly ToolPlace[]) =>
  homeToolMounts(
    { ...facts, nodeFolders: ["/home/ann/node/bin"], homeTools: { path: [], places, environment: {} } },
    "/home/ann/.local/state/workcell",
  );

test("homeToolMounts() shows tools read-only, at the path that programs know them by", () => {
  expect(mountsOf([place("/home/ann/bin", "/home/ann/dotfiles/bin")])).toEqual([
    { kind: "ro-bind", target: "/home/ann/bin", source: "/home/ann/dotfiles/bin", reason: "a tool" },
  ]);
  expect(homeToolMounts(facts, "/home/ann/.local/state/workcell")).toEqual([]);
});

test("homeToolMounts() shows nothing of Workcell's records, and no folder of Node's twice", () => {
  const sessions = "/home/ann/.local/state/workcell/sessions/calm-curie/home/bin";
  expect(mountsOf([place("/home/ann/x/bin", sessions), place("/home/ann/node/bin")])).toEqual([]);
});

test("kitMounts() shows what a command brings, read-only and under the names it knows", () => {
  const file = { path: "/run/workcell/agent.js", source: "/opt/workcell/agent.js", reason: "the agent" };
  expect(kitMounts({ origin: "an agent", files: [file], environment: {} })).toEqual([
    { kind: "ro-bind", target: file.path, source: file.source, reason: "the agent" },
  ]);
  const link = { ...file, path: "/run/workcell/agent", isLink: true } as const;
  expect(kitMounts({ origin: "an agent", files: [link], environment: {} })).toMatchObject([
    { kind: "symlink", target: link.path, source: link.source },
  ]);
  expect(kitMounts(undefined)).toEqual([]);
});
