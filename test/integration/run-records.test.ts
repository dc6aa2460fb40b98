import { chmodSync, existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Desk, makeDesk, people } from "../helpers/run-workcell.ts";

const listed = (...parts: readonly string[]) => {
  const folder = path.join(...parts);
  return existsSync(folder) ? readdirSync(folder).sort() : [];
};

describe.each(people)("what workcell run of $name leaves and records", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  test("a home that its owner may not read any more goes too, and the next run starts", async () => {
    const lock =
      "mkdir -p ~/a/b && touch ~/a/b/c && chmod 0 ~/a/b ~/a; mkdir /tmp/x && chmod 0 /tmp/x; exit 7";
    expect(await desk.run(["bash", "-c", lock])).toMatchObject({ code: 7, stderr: "" });
    expect(await desk.run(["true"])).toMatchObject({ code: 0, stderr: "" });
    const homes = listed(desk.state, "sessions").map((name) => listed(desk.state, "sessions", name));
    expect(homes.flat().filter((name) => name === "home" || name === "tmp")).toEqual([]);
    expect([listed(desk.state, "running"), listed(desk.state, "uids")]).toEqual([[], []]);
  });

  test("a log that cannot be written is said, and the exit code is the command's", async () => {
    const refused = [
      "bash",
      "-c",
      "exec 3<>/dev/tcp/127.0.0.1/3128; echo -e 'GET http://no.example/ HTTP/1.1\\r\\nHost: no.example\\r\\n\\r' >&3; head -1 <&3; exit 7",
    ];
    const control = await desk.run(refused);
    expect(control.code).toBe(7);
    expect(control.stderr).not.toContain("audit log");
    // A folder in the log's place: nobody, not even root, can append to it.
    const env = { XDG_STATE_HOME: desk.folder("other") };
    for (const name of ["other/workcell", "other/workcell/audit.jsonl"]) desk.folder(name);
    const ended = await desk.run(refused, { env });
    expect(ended.code).toBe(7);
    expect(ended.stderr).toMatch(/^workcell: Cannot write the audit log "[^"]+": EISDIR/m);
    expect(listed(desk.folder("other"), "workcell/running")).toEqual([]);
  });

  test("a preset's tool is not taken from a connected folder", async () => {
    const bin = desk.folder("tools");
    const fake = "#!/bin/sh\necho 'registry = \"http://evil.example/\"'\n";
    desk.file("tools/npm", fake, 0o755);
    const env = { PATH: `${bin}:${process.env["PATH"]}` };
    const explain = (...words: readonly string[]) =>
      desk.run(["--explain", "--preset", "npm", ...words, "true"], { env });
    expect((await explain("-m", `${bin}:ro`)).stdout).not.toContain("evil.example");
    expect((await explain("-m", "../tools:ro")).stdout).not.toContain("evil.example");
    // Control: as long as no cell is near it, it is the person's own tool.
    expect((await explain()).stdout).toContain("evil.example");
  });

  test("a session whose record is damaged is not opened, and what it holds stays", async () => {
    expect((await desk.run(["--session", "calm-curie", "touch", "kept"])).code).toBe(0);
    const folder = path.join(desk.state, "sessions/calm-curie");
    const record = "home/.local/state/workcell/sessions/calm-curie/session.json";
    const whole = readFileSync(path.join(folder, "session.json"), "utf8");
    desk.file(record, "{");
    chmodSync(path.join(folder, "session.json"), 0o600);
    const ended = await desk.run(["--session", "calm-curie", "true"]);
    expect([ended.code, ended.stdout, ended.stderr.split("\n")]).toEqual([
      125,
      "",
      [
        `workcell: Cannot open session "calm-curie": its record ${folder}/session.json cannot be read or is damaged (WC_SESSION)`,
        "  remedy: Name another session: --session NAME",
        "",
      ],
    ]);
    desk.file(record, whole);
    chmodSync(path.join(folder, "session.json"), 0o600);
    expect((await desk.run(["--session", "calm-curie", "ls"])).stdout).toBe("kept\n");
  });

  test("a home or a state that lies behind a link is no more connected than where it really is", async () => {
    for (const name of ["disk", "disk/ann", "disk/state"]) desk.folder(name);
    const [disk, home] = [path.join(path.dirname(desk.home), "disk"), path.join(desk.home, "link")];
    symlinkSync(path.join(disk, "ann"), home);
    const attempt = (folder: string, env: Readonly<Record<string, string>>) =>
      desk.run(["-m", `${folder}:ro`, "true"], { env });
    const refusedHome = await attempt(`${disk}/ann`, { HOME: home });
    expect(refusedHome.stderr).toMatch(
      /^workcell: Cannot connect the folder "[^"]+" \(flag --mount\): your whole home is in it/m,
    );
    symlinkSync(path.join(disk, "state"), `${disk}/ann/state`);
    const env = { HOME: home, XDG_STATE_HOME: `${home}/state` };
    expect((await attempt(`${disk}/state`, env)).stderr).toContain("Workcell's own records are there");
    // Control: what lies beside them is connected.
    expect((await attempt(desk.folder("disk/job"), env)).code).toBe(0);
  });
});
