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
