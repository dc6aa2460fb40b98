import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { findLeftOver, takeCensus } from "../../scripts/soak/left-over.mjs";
import { isSoak } from "../helpers/run-workcell.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const root = path.resolve(import.meta.dirname, "../..");
const script = path.join(root, "scripts/soak.mjs");
const isRoot = process.getuid?.() === 0;
/** The long form is `npm run soak`. */
const [starts, kills] = isSoak ? [1000, 200] : [60, 20];

const kinds = [
  ...["processes", "mounts", "control groups", "temporary files", "sockets", "loop devices", "IPC objects"],
  ...["homes of ended sessions", "markers, uids, locks", "other files in the state"],
];

test(`${starts} starts, and ${kills} that are killed, leave nothing behind`, async () => {
  const env = { PATH: process.env["PATH"] ?? "" };
  const child = spawn(process.execPath, [script, "--starts", `${starts}`, "--kills", `${kills}`], { env });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  const [code] = await once(child, "close");
  const rows = kinds.flatMap(
    (kind) => text.match(new RegExp(`^${kind} +\\d+ +\\d+ +nothing left$`, "gm")) ?? [],
  );
  expect([code, rows.length, text]).toEqual([
    0,
    2 * kinds.length,
    expect.stringMatching(/soak: nothing is left behind\n$/),
  ]);
  expect(text).toMatch(new RegExp(`^${starts} starts in .*, 0 failed$`, "m"));
  expect(text).toMatch(new RegExp(`^${kills} starts killed in .*, 0 failed; `, "m"));
}, 600_000);

test("bounds that are no whole numbers start nothing", () => {
  const done = spawnSync(process.execPath, [script, "--starts", "many"], { encoding: "utf8" });
  expect(done).toMatchObject({ status: 125, stderr: expect.stringContaining("whole numbers are needed") });
});

describe("what a soak looks for", () => {
  const durable = "soaked-steady-curie";

  function prepare() {
    const folder = tempFolder();
    const state = path.join(folder, "state");
    const [tmp, work] = [path.join(folder, "tmp"), path.join(folder, "work")];
    for (const made of [tmp, work, state]) mkdirSync(made);
    const place = { folder, state, work, temporary: [tmp], workcell: "", env: {}, remove: () => {} };
    const look = () => takeCensus(place, { launchers: new Set([4_194_305]), durable });
    return { folder, state, look, before: look() };
  }

  /** What is found of each kind when no time is given to what has just ended. */
  async function found({ look, before }: ReturnType<typeof prepare>): Promise<readonly string[]> {
    const { left } = await findLeftOver(look, before, 0);
    return Object.entries(left).flatMap(([kind, names]) => (names.length > 0 ? [kind] : []));
  }

  const files = [
    ["temporary files", "tmp/claude-http-1.sock"],
    ["homes of ended sessions", "state/sessions/calm-curie/home"],
    ["homes of ended sessions", "state/sessions/calm-curie/.gone-abcdef"],
    ["markers, uids, locks", "state/running/calm-curie.c1"],
    ["markers, uids, locks", "state/uids/1900000001"],
    ["markers, uids, locks", "state/locks/calm-curie.1.2.3"],
    ["other files in the state", "state/draft"],
  ] as const;

  test.each(files)("%s: finds %s", async (kind, name) => {
    const trial = prepare();
    expect(await found(trial)).toEqual([]);
    mkdirSync(path.join(trial.folder, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(trial.folder, name), "calm-curie\n");
    expect(await found(trial)).toEqual([kind]);
  });

  test("leaves out what is documented to stay: records, the log, and a named session with its uid", async () => {
    const trial = prepare();
    for (const name of ["calm-curie/cells/c1", `${durable}/home`, `${durable}/disk`])
      mkdirSync(path.join(trial.state, "sessions", name), { recursive: true });
    mkdirSync(path.join(trial.state, "uids"));
    writeFileSync(path.join(trial.state, "uids/1900000001"), `${durable}\n`);
    writeFileSync(path.join(trial.state, "audit.jsonl"), "");
    expect(await found(trial)).toEqual([]);
  });

  test("finds a process by its command line, and by its environment", async () => {
    for (const [words, env] of [
      [["-c", "sleep 60; :", "PLACE"], {}],
      [["-c", "sleep 60; :"], { MARK: "PLACE" }],
    ] as const) {
      const trial = prepare();
      const fill = (word: string) => word.replace("PLACE", trial.folder);
      const variables = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)]));
      const child = spawn("sh", words.map(fill), {
        env: { PATH: "/usr/bin:/bin", ...variables },
        detached: true,
      });
      const end = () =>
        child.pid !== undefined && child.exitCode === null && process.kill(-child.pid, "SIGKILL");
      onTestFinished(() => void (child.signalCode === null && end()));
      await vi.waitFor(async () => expect(await found(trial)).toEqual(["processes"]), 15_000);
      const ended = once(child, "close");
      end();
      await ended;
      await vi.waitFor(async () => expect(await found(trial)).toEqual([]), 15_000);
    }
  });

  test("finds a socket that is listened on", async () => {
    const trial = prepare();
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(path.join(trial.folder, "s.sock"), resolve));
    expect(await found(trial)).toEqual(["sockets"]);
    server.close();
    expect(await found(trial)).toEqual([]);
  });

  test.skipIf(spawnSync("ipcmk", ["--version"]).status !== 0)(
    "finds an IPC object (needs ipcmk)",
    async () => {
      const trial = prepare();
      const said = execFileSync("ipcmk", ["--shmem", "4096"], { encoding: "utf8" });
      const remove = () => execFileSync("ipcrm", ["--shmem-id", said.trim().split(" ").at(-1) ?? ""]);
      try {
        expect(await found(trial)).toEqual(["IPC objects"]);
      } finally {
        remove();
      }
    },
  );

  test.skipIf(!isRoot)("finds a mount, and its loop device (needs root)", async () => {
    const trial = prepare();
    const [image, point] = [path.join(trial.folder, "disk.ext4"), path.join(trial.folder, "disk")];
    mkdirSync(point);
    execFileSync("truncate", ["--size", "1M", image]);
    execFileSync("mkfs.ext4", ["-q", image]);
    execFileSync("mount", ["-o", "loop", image, point]);
    try {
      expect(await found(trial)).toEqual(["mounts", "loop devices"]);
    } finally {
      execFileSync("umount", [point]);
    }
    await vi.waitFor(async () => expect(await found(trial)).toEqual([]), 15_000);
  });

  const pids = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].find((folder) =>
    existsSync(path.join(folder, "cgroup.procs")),
  );

  test.skipIf(!isRoot || pids === undefined)(
    "finds a control group of its own cells (needs root)",
    async () => {
      const trial = prepare();
      // Below another group: a start meanwhile would sweep them away.
      const parent = path.join(pids ?? "", `soak-test-${process.pid}`);
      const inner = ["4194305", "4194306"].map((pid) => path.join(parent, `workcell-c1-${pid}-1`));
      for (const group of [parent, ...inner]) mkdirSync(group);
      const at = await found(trial);
      for (const group of [...inner, parent]) rmdirSync(group);
      expect(at).toEqual(["control groups"]);
      expect(await found(trial)).toEqual([]);
    },
  );
});
