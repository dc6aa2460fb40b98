import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Plan } from "../../src/model/index.ts";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

/** All names below a folder. */
const everythingIn = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
const words = (text: string) => text.replace(/\s+/g, " ");

describe.each(people)("workcell run --explain as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("prints the plan in sections, each value with its reason or origin, and writes nothing", async () => {
    const settings = desk.file(
      "work/settings.json",
      '{"environment":{"FROM_FILE":"f"},"network":{"deny":["d.example"]}}',
    );
    const before = everythingIn(desk.home);
    const flags = [
      ...[
        "-m",
        `${desk.work}:ro`,
        "-e",
        "SAID=yes",
        "--allow-host",
        "*.a.example:8443",
        "--settings",
        settings,
      ],
      ...["--timeout", "5m", "--session", "to-explain"],
    ];
    const { code, stdout, stderr } = await desk.run(["--explain", ...flags, "some-program", "--its-flag"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(everythingIn(desk.home)).toEqual(before);
    const sections = stdout.split("\n").filter((line) => /^[A-Z]/.test(line));
    expect(sections.map((line) => line.replace(/[ ,(].*/, ""))).toEqual([
      ...["Command", "Mounts", "Mounts", "Network", "Environment", "System-call", "System-call"],
    ]);
    const lines = words(stdout);
    expect(lines).toMatch(/\bbwrap --unshare-user --unshare-pid --unshare-net /);
    expect(lines).toContain("some-program --its-flag");
    expect(lines).toContain(`ro-bind ${desk.work} ${desk.work} connected ro (flag --mount)`);
    expect(lines).toContain("SAID yes flag --env");
    expect(lines).toContain(`FROM_FILE f settings ${settings}: environment.FROM_FILE`);
    expect(lines).toContain("http_proxy http://localhost:3128 the tunnel");
    expect(lines).toContain("HOME /sessions/to-explain the session");
    expect(lines).toContain("allow *.a.example:8443 any method flag --allow-host");
    expect(lines).toContain(`deny d.example any method settings ${settings}: network.deny[0]`);
    expect(lines).toMatch(/System-call filter [^(]+ \(\d+ instructions\)/);
    expect(lines).toMatch(/ptrace/);
    expect(stdout.split("\n").length).toBeGreaterThan(150);
  });

  test("what it says is what a run then does", async () => {
    const flags = [
      "--profile",
      "standard",
      "-m",
      `${desk.work}:rw`,
      "-e",
      "SAID=yes",
      "--session",
      "explained-one",
    ];
    const explained = words((await desk.run(["--explain", ...flags, "true"])).stdout);
    expect((await desk.run([...flags, "true"])).code).toBe(0);
    const cells = path.join(desk.state, "sessions/explained-one/cells");
    const record = path.join(cells, readdirSync(cells)[0] ?? "", "plan.json");
    const plan = JSON.parse(readFileSync(record, "utf8")) as Plan;
    // A fresh cell has another id.
    const said = explained.replaceAll(/cells\/[0-9a-f]+/g, "cells/X");
    for (const { kind, target, source = "-", reason } of plan.mounts)
      expect(said).toContain(`${kind} ${target} ${source.replace(/cells\/[0-9a-f]+/, "cells/X")} ${reason}`);
    for (const { name, origin } of plan.environment)
      expect(said).toMatch(new RegExp(` ${name} .*${origin.slice(0, 8)}`));
    expect([plan.mounts.length > 20, plan.environment.length > 20]).toEqual([true, true]);
  });

  test("profile cowork names its presets' hosts, and writes nothing either", async () => {
    const before = everythingIn(desk.home);
    const { code, stdout } = await desk.run(["--explain", "--profile", "cowork", "true"]);
    expect([code, everythingIn(desk.home)]).toEqual([0, before]);
    expect(stdout).toContain("profile cowork");
  });

  test("starts nothing, and refuses what a run refuses", async () => {
    const marker = path.join(desk.work, "marker");
    await desk.run(["--explain", "-m", `${desk.work}:rw`, "touch", marker]);
    expect(readdirSync(desk.work)).not.toContain("marker");
    const refused = await desk.run(["--explain", "-m", "/no/such/folder:ro", "true"]);
    expect([refused.code, refused.stdout]).toEqual([125, ""]);
    expect(refused.stderr).toContain('"/no/such/folder"');
  });

  test("a value that would steer the terminal is shown, not obeyed", async () => {
    const { stdout } = await desk.run(["--explain", "-e", "X=\x1b[31mred", "true"]);
    expect(stdout).not.toContain("\x1b");
    expect(stdout).toContain("\\u001b[31mred");
  });
});
