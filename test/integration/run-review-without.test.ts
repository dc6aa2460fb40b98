import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { makeDesk, people, startProgram } from "../helpers/run-workcell.ts";
import { snapshot } from "../helpers/tree.ts";

const isRoot = process.getuid?.() === 0;

describe.runIf(isRoot).each(people)("review as $name where a layer cannot be written", (person) => {
  test("the start ends with the reason and what would do, and leaves nothing", async () => {
    using desk = makeDesk(person);
    const folder = desk.folder("folder");
    desk.file("folder/a", "a\n");
    const before = snapshot(folder);
    // As a container's own root: an overlay, which can be no layer of another one.
    const state = desk.folder("state");
    const [lower, upper, work] = ["lower", "upper", "work"].map((part) => desk.folder(part));
    const mount = `mount -t overlay none -o lowerdir=${lower},upperdir=${upper},workdir=${work} ${state}`;
    const { uid } = person;
    const drop = uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const inThere = ["unshare", "-m", "sh", "-c", `${mount} && exec "$@"`, "sh", ...drop];
    const env = { PATH: process.env["PATH"] ?? "", HOME: desk.home, XDG_STATE_HOME: state };
    const words = [desk.program, "run", "-m"];
    const run = (what: readonly string[]) =>
      startProgram({ name: "root" }, [...inThere, ...words, ...what], { env });
    const refused = await run([folder, "true"]).ended;
    expect([refused.code, refused.stdout]).toEqual([125, ""]);
    expect(refused.stderr).toContain("Cannot keep the changes of a folder apart");
    expect(refused.stderr).toMatch(/\n {2}remedy: Connect it live or read-only \(-m DIR:rw/);
    expect(readdirSync(path.join(upper ?? "", "workcell/sessions"))).toEqual([]);
    expect(snapshot(folder)).toEqual(before);
    // The control: what the remedy names is possible.
    const live = await run([`${folder}:rw`, "cat", "a"]).ended;
    expect([live.code, live.stdout]).toEqual([0, "a\n"]);
  });
});
