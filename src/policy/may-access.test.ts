import { expect, test } from "vitest";
import type { FolderRule } from "../model/index.ts";
import { mayAccess } from "./may-access.ts";

const folders: readonly FolderRule[] = [
  { source: "/home/ada/work", name: "work", mode: "rw", origin: "flag --mount" },
  { source: "/home/ada/work/vendor", name: "vendor", mode: "ro", origin: "settings" },
];
const policy = { network: { rules: [] }, folders };

test("mayAccess() allows by the innermost connected folder", () => {
  expect(mayAccess(policy, "/home/ada/work/a.txt", "write")).toEqual({
    decision: "allow",
    layer: "files",
    rule: "folder /home/ada/work (rw)",
    origin: "flag --mount",
  });
  expect(mayAccess(policy, "/home/ada/work/vendor/x", "write")).toEqual({
    decision: "deny",
    layer: "files",
    rule: "folder /home/ada/work/vendor (ro)",
    origin: "settings",
    remedy: "workcell run -m /home/ada/work/vendor:rw",
  });
});

test("mayAccess() refuses what is not under a folder, on a separator's border", () => {
  const may = (path: string) => mayAccess(policy, path, "read").decision;
  expect(
    ["/home/ada/work", "/home/ada/work/", "/home/ada//work/./x", "/x/../home/ada/work/x"].map(may),
  ).toEqual(["allow", "allow", "allow", "allow"]);
  const outside = [
    "/home/ada/workshop",
    "/home/ada",
    "/",
    "/home/ada/work/../x",
    "home/ada/work",
    "",
    "/home/ada/work\0",
  ];
  expect(outside.filter((path) => may(path) === "allow")).toEqual([]);
});

test("mayAccess() says what it compared and how to connect the folder", () => {
  expect(mayAccess(policy, "/etc/shadow", "read")).toEqual({
    decision: "deny",
    layer: "files",
    rule: "not under 2 connected folders (flag --mount; settings)",
    origin: "flag --mount; settings",
    remedy: "workcell run -m /etc:ro",
  });
  const none = { network: { rules: [] }, folders: [] };
  expect(mayAccess(none, "/etc/shadow", "read").rule).toBe("not under 0 connected folders");
});
