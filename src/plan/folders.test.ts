import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { from, mount, planInput } from "../../test/helpers/plan-input.ts";
import type { Settings } from "../model/index.ts";
import { buildPlan } from "./build-plan.ts";
import { nestFolders, planFolders, planWorkdir } from "./folders.ts";

type Mounts = Settings["mounts"];
const home = "/sessions/brave-loving-maxwell";

function folders(mounts: Mounts, profile: Settings["profile"]["value"] = "cowork") {
  return planFolders({ ...planInput({ settings: { mounts, profile: from(profile) } }), home });
}

const refusal = (mounts: Mounts, profile?: "standard") => failureOf(() => folders(mounts, profile));
const narrower = "Name the folder that the work is in, e.g. -m ~/project";

test("planFolders() connects below the home in cowork, and at their own place elsewhere", () => {
  const mounts = [mount("/srv/job", "rw", "work"), mount("/data", "ro")];
  const owner = { uid: 1000, gid: 100 };
  const known = { owner, identity: { device: 1, inode: 1 } };
  const rw = { kind: "bind", source: "/srv/job", ...known, reason: "connected rw (flag --mount)" };
  const ro = { kind: "ro-bind", source: "/data", ...known, reason: "connected ro (flag --mount)" };
  expect(folders(mounts)).toEqual([
    { ...rw, target: `${home}/mnt/work` },
    { ...ro, target: `${home}/mnt/data` },
  ]);
  expect(folders(mounts, "standard")).toEqual([
    { ...rw, target: "/srv/job" },
    { ...ro, target: "/data" },
  ]);
});

test.each([
  ["/", "it belongs to the system"],
  ["/usr", "it belongs to the system"],
  ["/etc", "it belongs to the system"],
  ["/proc", "it belongs to the system"],
  ["/proc/sys/kernel", "it is the kernel's"],
  ["/sys/fs/cgroup", "it is the kernel's"],
  ["/home/ann", "your whole home is in it"],
  ["/home", "your whole home is in it"],
  ["/home/ann/.local", "Workcell's own records are there (/home/ann/.local/state/workcell)"],
  ["/home/ann/.local/state/workcell", "Workcell's own records are there (/home/ann/.local/state/workcell)"],
  [
    "/home/ann/.local/state/workcell/sessions/other/home",
    "Workcell's own records are there (/home/ann/.local/state/workcell)",
  ],
])("planFolders() refuses %s", async (source, why) => {
  expect(await refusal([mount(source, "ro")])).toEqual({
    code: "WC_MOUNT",
    message: `Cannot connect the folder "${source}" (flag --mount): ${why}`,
    remedy: narrower,
  });
});

test.each([
  ["/home/ann/.config", "Workcell's own settings are there (/home/ann/.config/workcell)"],
  ["/home/ann/.config/workcell", "Workcell's own settings are there (/home/ann/.config/workcell)"],
  ["/home/ann/.cache/workcell/x", "Workcell's own settings are there (/home/ann/.cache/workcell)"],
  ["/opt/workcell", "Workcell itself is there (/opt/workcell/native/cellhost)"],
])("planFolders() connects %s read-only, and refuses to let a cell write there", async (source, why) => {
  expect((await refusal([mount(source, "rw")])).message).toBe(
    `Cannot connect the folder "${source}" (flag --mount): ${why}`,
  );
  expect(folders([mount(source, "ro")]).length).toBe(1);
});

test.each(["/usr2", "/usr/local/src/job", "/home/ann/.local2", "/home/annette", "/var/lib/job", "/sysadmin"])(
  "planFolders() connects %s, which only looks like a refused one",
  (source) => {
    expect(folders([mount(source)]).map((one) => one.source)).toEqual([source]);
  },
);

test.each(["\n", "\u001b", "\u007f", "\u0085"])(
  "planFolders() refuses a path with the control character %j, and does not print it",
  async (character) => {
    const { message, remedy } = await refusal([mount(`/srv/a${character}b`)]);
    const shown = `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
    expect([message, remedy]).toEqual([
      `Cannot connect the folder "/srv/a${shown}b" (flag --mount): its path has a control character`,
      "Rename the folder: mv -- OLD NEW",
    ]);
  },
);

test("planFolders() refuses two folders at one place, and one place in two modes", async () => {
  const failure = (why: string, remedy: string) => ({
    code: "WC_MOUNT",
    message: `Cannot connect the folder "/srv/job" (flag --mount): ${why}`,
    remedy,
  });
  const named = [mount("/srv/job", "rw", "a"), mount("/srv/job", "rw", "b")];
  expect(await refusal(named, "standard")).toEqual(
    failure('"/srv/job" is taken already (flag --mount)', "Name the folder once"),
  );
  expect(await refusal([mount("/srv/job", "ro", "a"), mount("/srv/job", "rw", "b")])).toEqual(
    failure("it is connected ro already (flag --mount)", "Name the folder once, with the mode that is meant"),
  );
  // In the reference's layout one place may have two names.
  expect(folders(named).map(({ target }) => target)).toEqual([`${home}/mnt/a`, `${home}/mnt/b`]);
});

test.each(["/tmp", "/sessions", home])(
  "planFolders() refuses to hide the cell's own place: %s",
  async (source) => {
    const { message } = await refusal([mount(source)], "standard");
    const own = source === "/tmp" ? "/tmp" : source;
    expect(message).toBe(
      `Cannot connect the folder "${source}" (flag --mount): it would hide the cell's own "${own}"`,
    );
    expect(folders([mount(source)]).length).toBe(1);
  },
);

const shape = (list: ReturnType<typeof nestFolders>) => list.map(({ kind, target }) => `${kind} ${target}`);

test("nestFolders() mounts the outer folder first, in whatever order they were named", () => {
  const mounts = [mount("/srv/job/deep/vendor", "ro"), mount("/srv/job/deep", "rw"), mount("/srv/job", "ro")];
  expect(shape(nestFolders(folders(mounts, "standard")))).toEqual([
    "ro-bind /srv/job",
    "bind /srv/job/deep",
    "ro-bind /srv/job/deep/vendor",
  ]);
});

test("nestFolders() keeps what is read-only so where a writable outer folder shows it too", () => {
  const mounts = [mount("/srv/job/vendor", "ro"), mount("/srv/job", "rw"), mount("/srv/jobs", "ro")];
  expect(shape(nestFolders(folders(mounts)))).toEqual([
    `bind ${home}/mnt/job`,
    `ro-bind ${home}/mnt/jobs`,
    `ro-bind ${home}/mnt/vendor`,
    `ro-bind ${home}/mnt/job/vendor`,
  ]);
  // The other way round there is nothing to keep.
  expect(shape(nestFolders(folders([mount("/srv/job/out", "rw"), mount("/srv/job", "ro")])))).toEqual([
    `bind ${home}/mnt/out`,
    `ro-bind ${home}/mnt/job`,
  ]);
});

test("planWorkdir() is the home in cowork, the first folder elsewhere, and what -w says below it", () => {
  const mounts = [mount("/srv/job/deep"), mount("/srv/job")];
  const workdir = (profile: "cowork" | "standard", asked?: string, chosen: Mounts = mounts) => {
    const { settings } = planInput({
      settings: { profile: from(profile), ...(asked !== undefined && { workdir: from(asked) }) },
    });
    return planWorkdir(settings, folders(chosen, profile), home);
  };
  expect([workdir("cowork"), workdir("cowork", "mnt/job"), workdir("cowork", "/usr")]).toEqual([
    home,
    `${home}/mnt/job`,
    "/usr",
  ]);
  expect([workdir("standard"), workdir("standard", "x"), workdir("standard", "/usr")]).toEqual([
    "/srv/job/deep",
    "/srv/job/deep/x",
    "/usr",
  ]);
  expect(workdir("standard", undefined, [])).toBe(home);
});

test("buildPlan() refuses what planFolders() refuses", async () => {
  const input = planInput({ settings: { mounts: [mount("/usr")] } });
  expect((await failureOf(() => buildPlan(input))).code).toBe("WC_MOUNT");
});

const reviewed = (source: string, name?: string) => mount(source, "review", name);

test("planFolders() gives a folder in review or auto the place where it is merged with its layer", () => {
  const [one, two, three] = folders([reviewed("/srv/job"), mount("/data", "rw"), mount("/other", "auto")]);
  expect([one?.merged, two?.merged, three?.merged]).toEqual(["merged-1", undefined, "merged-3"]);
  expect([one?.kind, one?.source, one?.reason]).toEqual([
    "bind",
    "/srv/job",
    "connected review (flag --mount): what changes goes to the session's layers/1",
  ]);
});

test("planFolders() takes the number of the layer that the session has", () => {
  const input = planInput({
    settings: { mounts: [reviewed("/a"), reviewed("/b")], profile: from("standard") },
  });
  const known = { source: "/a", number: 7, device: "1", inode: "1" };
  const found = planFolders({ ...input, home, layers: [{ ...known, source: "/b", number: 2 }, known] });
  expect(found.map(({ merged }) => merged)).toEqual(["merged-7", "merged-2"]);
});

test("planFolders() refuses to merge a folder with something mounted in it, and connects it live", async () => {
  const at = (mode: "auto" | "rw") =>
    planInput({
      settings: { mounts: [mount("/srv/job", mode)] },
      facts: {
        folders: {
          "/srv/job": {
            ...{ realPath: "/srv/job", uid: 1, gid: 1, device: 1, inode: 1 },
            ...(mode === "rw" ? {} : { mountedBelow: ["/srv/job/data"] }),
          },
        },
      },
    });
  expect(await failureOf(() => planFolders({ ...at("auto"), home }))).toEqual({
    code: "WC_MOUNT",
    message:
      'Cannot connect the folder "/srv/job" (flag --mount): "/srv/job/data" is mounted in it, and the mode auto cannot show what is',
    remedy: "Connect it live or read-only, or a folder without mounts: -m /srv/job:rw",
  });
  expect(planFolders({ ...at("rw"), home }).length).toBe(1);
});

test.each([
  ["live in review", mount("/srv/job/out", "rw"), reviewed("/srv/job"), true],
  ["review in live", reviewed("/srv/job/out"), mount("/srv/job", "rw"), true],
  ["review in review", reviewed("/srv/job/out"), reviewed("/srv/job"), true],
  ["read-only in review", mount("/srv/job/out", "ro"), reviewed("/srv/job"), true],
  ["review in read-only", reviewed("/srv/job/out"), mount("/srv/job", "ro"), false],
  ["live in live", mount("/srv/job/out", "rw"), mount("/srv/job", "rw"), false],
])("nestFolders() keeps the way of an inner folder through the outer: %s", (_, inner, outer, isCovered) => {
  const found = nestFolders(folders([inner, outer])).find(({ target }) => target === `${home}/mnt/job/out`);
  expect(found !== undefined).toBe(isCovered);
  if (found !== undefined) expect(found.source).toBe("/srv/job/out");
});

test("buildPlan() merges before bwrap, and binds from where that is", () => {
  const mounts = [reviewed("/srv/job", "one"), reviewed("/srv/job", "two")];
  const input = planInput({ settings: { mounts } });
  const layers = [{ source: "/srv/job", number: 4, device: "9", inode: "18446744073709551615" }];
  const plan = buildPlan({ ...input, session: { ...input.session, layers } });
  const folder = `${input.session.folder}/layers`;
  expect(plan.layers).toEqual({
    folder,
    scratch: `${folder}/scratch`,
    merged: [
      {
        ...{ name: "merged-4", lower: "/srv/job", device: "9", inode: "18446744073709551615" },
        ...{ layer: `${folder}/4`, owner: { uid: 1000, gid: 100 } },
      },
    ],
  });
  const line = plan.argv.join(" ");
  expect(line).toContain(
    `supervise --scratch ${folder}/scratch --layers ${folder} --layer merged-4 /srv/job 9 18446744073709551615 ${folder}/4 1000 100 --keep-fd`,
  );
  for (const name of ["one", "two"])
    expect(line).toContain(`--bind ${folder}/scratch/merged-4 ${home}/mnt/${name} `);
  // Root's are merged where its other mounts stand, and never bound from the folder itself.
  const root = buildPlan(planInput({ settings: { mounts: [reviewed("/srv/job")] }, uid: 1_900_000_000 }));
  expect(root.layers?.scratch).toBe(root.root?.scratch);
  expect(root.root?.mounts.some(({ source }) => source === "/srv/job")).toBe(false);
  expect(root.argv.join(" ")).toContain(`--bind /tmp/merged-1 ${home}/mnt/job `);
});
