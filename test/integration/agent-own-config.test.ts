import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { methods } from "@agentclientprotocol/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEditor } from "../helpers/acp-editor.ts";
import { serveMessages } from "../helpers/messages-api.ts";
import { npmInstall } from "../helpers/npm-install.ts";
import { type Desk, isSoak, makeDesk, people, until } from "../helpers/run-workcell.ts";

/** No agent: a script that says what it finds of its own configuration where it works, in the folder above, and by a link. */
const fakeAgent = `#!/bin/sh
for file in .opencode/plugin/own.js opencode.json ../opencode.json; do
  [ -s "$file" ] && echo "finds $file: $(cat "$file")"
done
env | grep -E '^OPENCODE_DISABLE_PROJECT' | sed 's/^/env /'
case "$*" in *setting-sources*) echo "sources $(echo "$*" | grep -oE 'setting-sources [a-z,]+')" ;; esac
exit 0
`;

const systemPath = `${path.dirname(process.execPath)}:/usr/bin:/bin`;
const plugin = ".opencode/plugin/own.js";

describe.each(people)("an agent's own configuration in a folder, as $name", (person) => {
  let desk: Desk;
  let programs: string;
  beforeAll(() => {
    desk = makeDesk(person);
    programs = desk.folder("programs");
    for (const name of ["opencode", "claude"]) desk.file(`programs/${name}`, fakeAgent, 0o755);
  });
  afterAll(() => desk[Symbol.dispose]());

  const options = () => ({ env: { PATH: `${programs}:${systemPath}`, ANTHROPIC_API_KEY: "sk-a" } });
  const start = (...words: readonly string[]) => desk.workcell(["agent", "--json", ...words], options());
  const trust = (...words: readonly string[]) =>
    desk.workcell(["trust", "--agent", "opencode", ...words], options());
  /** A folder with both of OpenCode's places in it. */
  const fill = (name: string) => {
    for (const one of ["", "/.opencode", "/.opencode/plugin", "/sub"]) desk.folder(`${name}${one}`);
    desk.file(`${name}/${plugin}`, "a plugin");
    desk.file(`${name}/opencode.json`, "settings");
    return path.join(desk.work, "..", name);
  };

  test("is covered in each profile and mode, where the work is and above, and by a link", async () => {
    const folder = fill("covered");
    // The control: a command that is no agent sees all of it.
    const seen = await desk.run(["-m", `${folder}:ro`, "sh", "-c", `cat ${plugin} opencode.json`]);
    expect(seen.stdout).toBe("a pluginsettings");
    for (const words of [
      ["-m", folder],
      ["-m", `${folder}:rw`, "-w", path.join(folder, "sub")],
      ["--profile", "cowork", "-m", folder, "-w", "mnt/covered/sub"],
    ]) {
      const ended = await start(...words, "opencode", "look");
      expect([ended.code, ended.stdout]).toEqual([0, "env OPENCODE_DISABLE_PROJECT_CONFIG=1\n"]);
      expect(ended.stderr).toContain(`workcell trust --agent opencode "${folder}"`);
    }
    renameSync(path.join(folder, ".opencode"), path.join(folder, "elsewhere"));
    symlinkSync("elsewhere", path.join(folder, ".opencode"));
    const linked = await start("-m", folder, "opencode", "look");
    expect([linked.code, linked.stdout]).toEqual([0, "env OPENCODE_DISABLE_PROJECT_CONFIG=1\n"]);
    expect((await trust("--yes", folder)).stderr).toContain('".opencode" is no plain file');
    // What cannot be covered is not shown.
    rmSync(path.join(folder, ".opencode"));
    symlinkSync(".", path.join(folder, ".opencode"));
    const around = await start("-m", folder, "opencode", "look");
    expect([around.code, around.stdout]).toEqual([125, ""]);
    expect(around.stderr).toMatch(/where the work is.*\n {2}remedy: .*rm -- /);
  });

  test("is covered where a session made it, and what it took away stays away", async () => {
    const folder = fill("made");
    const session = ["--session", "made-by-a-cell", "-m", folder];
    const make = `mkdir -p sub/${path.dirname(plugin)}; echo made >sub/${plugin}; rm opencode.json`;
    expect((await desk.run([...session, "sh", "-c", make])).code).toBe(0);
    const look = `cat ${path.join(folder, "sub", plugin)}; ls ${folder}`;
    expect((await desk.run([...session, "sh", "-c", look])).stdout).toBe("made\nsub\n");
    const ended = await start(...session, "-w", path.join(folder, "sub"), "opencode", "look");
    expect([ended.code, ended.stdout]).toEqual([0, "env OPENCODE_DISABLE_PROJECT_CONFIG=1\n"]);
    expect((await desk.run([...session, "sh", "-c", look])).stdout).toBe("made\nsub\n");
    expect((await desk.workcell(["session", "rm", "--force", "made-by-a-cell"])).code).toBe(0);
  });

  const found = `finds ${plugin}: a plugin\nfinds opencode.json: settings\n`;

  test("counts once it is agreed to, as it was then, whatever a session makes of it", async () => {
    const folder = fill("agreed");
    expect((await trust(folder)).code).toBe(125);
    const agreed = await trust("--yes", folder);
    expect([agreed.code, agreed.stdout]).toEqual([
      0,
      expect.stringMatching(/own\.js, 8 bytes:\n\n {2}a plugin\n[\s\S]*\n {2}settings\n[\s\S]*\nAgreed/),
    ]);
    const session = ["--session", "agreed-by-all", "-m", folder];
    expect(await start(...session, "opencode", "look")).toMatchObject({ code: 0, stdout: found });
    expect((await desk.run([...session, "sh", "-c", `echo worse >${plugin}`])).code).toBe(0);
    expect(await start(...session, "opencode", "look")).toMatchObject({ code: 0, stdout: found });
    expect((await desk.workcell(["session", "rm", "--force", "agreed-by-all"])).code).toBe(0);
  });

  test.runIf(isSoak || person === people.at(-1))(
    "counts for that agent and that folder alone, until it changes or that is taken back",
    async () => {
      const folder = fill("agreed-to");
      expect((await trust("--yes", folder)).code).toBe(0);
      const other = await start("-m", folder, "claude", "look");
      expect(other.stdout).toContain("sources setting-sources user\n");
      for (const one of ["/sub/.opencode", "/sub/.opencode/plugin"]) desk.folder(`agreed-to${one}`);
      desk.file(`agreed-to/sub/${plugin}`, "another");
      const below = await start("-m", folder, "-w", path.join(folder, "sub"), "opencode", "look");
      expect(below.stdout).toBe("finds ../opencode.json: settings\n");
      desk.file(`agreed-to/${plugin}`, "a Plugin");
      const changed = await start("-m", folder, "opencode", "look");
      expect(changed.stdout).toBe("env OPENCODE_DISABLE_PROJECT_CONFIG=1\n");
      expect(changed.stderr).toContain("it has changed since you agreed to it");
      desk.file(`agreed-to/${plugin}`, "a plugin");
      expect((await start("-m", folder, "opencode", "look")).stdout).toBe(found);
      const listed = (await desk.workcell(["trust", "--list"])).stdout;
      expect(listed).toMatch(/\/agreed-to {2}--agent opencode\n$/);
      expect((await trust("--revoke", folder)).code).toBe(0);
      expect((await start("-m", folder, "opencode", "look")).stdout).not.toContain("finds");
    },
  );
});

describe("real Claude Code", () => {
  test("starts the hooks and servers of a folder once they are agreed to, and not before", async ({
    skip,
  }) => {
    const claude = npmInstall(["@anthropic-ai/claude-code@2.1.330"], { claude: "2.1.330" });
    skip(claude.problem !== "", claude.problem);
    using desk = makeDesk(people.at(-1) ?? { name: "nobody" });
    desk.folder("work/.claude");
    const hook = { hooks: [{ type: "command", command: "touch from-hook" }] };
    desk.file("work/.claude/settings.json", JSON.stringify({ hooks: { SessionStart: [hook] } }));
    const server = { command: "/bin/sh", args: ["-c", "touch from-server"] };
    desk.file("work/.mcp.json", JSON.stringify({ mcpServers: { server } }));
    const url = (await serveMessages([{ text: "First" }, { text: "Second" }])).url;
    const env = { PATH: `${claude.bin}:${systemPath}`, ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "sk-a" };
    const start = () =>
      desk.workcell(["agent", "-m", `${desk.work}:rw`, "claude", "hi"], { env, within: 50_000 });
    const made = () => readdirSync(desk.work).filter((name) => name.startsWith("from-"));
    expect([(await start()).code, made()]).toEqual([0, []]);
    expect((await desk.workcell(["trust", "--agent", "claude", "--yes", desk.work])).code).toBe(0);
    expect([(await start()).code, made()]).toEqual([0, ["from-hook", "from-server"]]);
  }, 120_000);
});

describe("real OpenCode, driven by an editor", () => {
  test("takes what was agreed to into account, and does not come to a folder where something was not", async ({
    skip,
  }) => {
    const packages = ["@openai/codex@0.169.0", "@google/gemini-cli@0.61.0", "opencode-ai@1.18.33"];
    const versions = { codex: "0.169.0", opencode: "1.18.33" };
    const installed = npmInstall([...packages, "@copilotkit/aimock@1.43.0"], versions);
    skip(installed.problem !== "", installed.problem);
    using desk = makeDesk(people[0] ?? { name: "nobody" });
    const touch = (name: string) =>
      `import { writeFileSync } from "node:fs"; writeFileSync("${desk.work}/${name}", "");`;
    for (const one of ["", "sub/"]) {
      mkdirSync(desk.folder(`work/${one}.opencode/plugin`), { recursive: true });
      desk.file(`work/${one}${plugin}`, touch(`from-${one === "" ? "agreed" : "sub"}`));
    }
    desk.folder("work/plain");
    const env = {
      ...{ PATH: `${installed.bin}:${systemPath}`, HOME: desk.home },
      ...{ ANTHROPIC_BASE_URL: (await serveMessages([{ text: "x" }])).url, ANTHROPIC_API_KEY: "sk-a" },
    };
    expect((await desk.workcell(["trust", "--agent", "opencode", "--yes", desk.work])).code).toBe(0);
    const words = [desk.program, "agent", "--acp", "-m", `${desk.work}:rw`, "opencode"];
    const { uid } = desk.person;
    const editor = startEditor(words, { cwd: desk.work, env, uid });
    await editor.agent.request(methods.agent.initialize, {
      ...{ protocolVersion: 1, clientCapabilities: {}, clientInfo: { name: "test", version: "1" } },
    });
    const open = (folder: string) =>
      editor.agent.request(methods.agent.session.new, { cwd: path.join(desk.work, folder), mcpServers: [] });
    await expect(open("sub")).rejects.toMatchObject({
      message: expect.stringMatching(/sub\/\.opencode.*nobody agreed.*workcell agent -w /),
    });
    // The control: what it may come to it comes to, and the plugin that was agreed to has run.
    expect((await open("plain")).sessionId).toMatch(/^ses_/);
    await until(() => existsSync(path.join(desk.work, "from-agreed")), 20_000);
    editor.child.stdin?.end();
    expect(await editor.ended).toBe(0);
    expect(existsSync(path.join(desk.work, "from-sub"))).toBe(false);
    expect(readFileSync(path.join(desk.work, plugin), "utf8")).toContain("from-agreed");
  }, 120_000);
});
