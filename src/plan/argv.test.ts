import { expect, test } from "vitest";
import { from, mount, planInput } from "../../test/helpers/plan-input.ts";
import type { Plan } from "../model/index.ts";
import { launchEnvironment, planArgv, sealArguments } from "./argv.ts";
import { buildPlan } from "./build-plan.ts";

const plan: Plan = {
  schema: "workcell.plan/1",
  session: "calm-curie",
  cell: "c1",
  profile: "cowork",
  tier: "process",
  tunnel: "socat",
  arch: "x86_64",
  terminal: false,
  hostname: "claude",
  identity: { uid: 10001, gid: 10002, user: "calm-curie", home: "/h" },
  workdir: "/h/w",
  command: ["--flag", "a b", ""],
  mounts: [
    { kind: "ro-bind", target: "/usr", source: "/usr", reason: "" },
    { kind: "bind", target: "/h", source: "/state/s/home", reason: "" },
    { kind: "ro-bind", target: "/h/x", source: "/state/s/home2", reason: "" },
    { kind: "bind", target: "/h/y", source: "/state/s/home/deep/y", reason: "" },
    { kind: "tmpfs", target: "/t", reason: "" },
    { kind: "tmpfs", target: "/t/s", size: 4096, perms: "1777", reason: "" },
    { kind: "dir", target: "/d", perms: "0755", reason: "" },
    { kind: "symlink", target: "/l", source: "usr/l", reason: "" },
    { kind: "proc", target: "/proc", reason: "" },
    { kind: "dev", target: "/dev", reason: "" },
    { kind: "remount-ro", target: "/", reason: "" },
  ],
  environment: [],
  files: [],
  homeFolders: [],
  descriptors: [
    { fd: 3, name: "channel" },
    { fd: 4, name: "filter-1" },
  ],
  filters: [],
  seal: { landlockRead: ["/"], landlockWrite: ["/h"], landlockRequired: true, rlimits: { nofile: 9 } },
  limits: {
    ...{
      memoryBytes: 1024 ** 3,
      swapBytes: 0,
      pids: 9,
      openFiles: 9,
      cpus: 2,
      cpuIds: [0, 1],
      diskBytes: 1e9,
    },
    held: { memory: "watched", swap: "host", pids: "rlimit", cpus: "host", disk: "watched" },
  },
  cellhost: "/wc/cellhost",
  argv: [],
  sockets: { folder: "/state/s/tmp", http: "h.sock", socks: "s.sock" },
  weaker: [],
};

const isolation = [
  ...["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"],
  ...["--unshare-cgroup", "--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
  ...["--hostname", "claude", "--uid", "10001", "--gid", "10002", "--chdir", "/h/w"],
];
const rest = [
  ...["--tmpfs", "/t", "--perms", "1777", "--size", "4096", "--tmpfs", "/t/s"],
  ...["--perms", "0755", "--dir", "/d", "--symlink", "usr/l", "/l", "--proc", "/proc", "--dev", "/dev"],
  ...["--remount-ro", "/", "--add-seccomp-fd", "4"],
  ...["--", "sh", "-c", "script", "--flag", "a b", ""],
];

test("planArgv() says every mount in its order, and the command word by word", () => {
  expect(planArgv(plan, "/bin/bwrap", ["sh", "-c", "script"])).toEqual([
    ...["/wc/cellhost", "supervise", "--keep-fd", "4", "--", "/bin/bwrap"],
    ...isolation,
    ...["--ro-bind", "/usr", "/usr", "--bind", "/state/s/home", "/h", "--ro-bind", "/state/s/home2", "/h/x"],
    ...["--bind", "/state/s/home/deep/y", "/h/y"],
    ...rest,
  ]);
});

const root = {
  ...{ uid: 7, gid: 8, scratch: "/tmp", asRoot: false, gathered: [], links: [], folders: [] },
  mounts: [
    { source: "/state/s/home", scratch: "/tmp/m0", readOnly: false },
    { source: "/state/s/home/deep", scratch: "/tmp/m1", readOnly: true, owner: { uid: 1, gid: 2 } },
  ],
};

test("planArgv() lets root's cellhost mount first, and binds from its scratch places, the innermost first", () => {
  expect(planArgv({ ...plan, root }, "/bin/bwrap", ["sh", "-c", "script"])).toEqual([
    ...["/wc/cellhost", "supervise", "--uid", "7", "--gid", "8", "--scratch", "/tmp"],
    ...["--mount", "rw", "/state/s/home", "m0", "--idmap", "ro", "/state/s/home/deep", "m1", "1", "2"],
    ...["--keep-fd", "4", "--"],
    "/bin/bwrap",
    ...isolation,
    ...["--ro-bind", "/usr", "/usr", "--bind", "/tmp/m0", "/h", "--ro-bind", "/state/s/home2", "/h/x"],
    ...["--bind", "/tmp/m1/y", "/h/y"],
    ...rest,
  ]);
});

test("planArgv() binds what cellhost has gathered: the root first, /dev in its place, /etc last", () => {
  const gathered = [
    { target: "/", scratch: "/root", targets: ["/usr", "/h/x", "/h/y"], kind: "bind" },
    { target: "/dev", scratch: "/dev", targets: ["/dev"], kind: "dev-bind" },
    { target: "/etc", scratch: "/etc", targets: ["/etc/ssl"], kind: "ro-bind" },
  ] as const;
  const mounts = [
    { source: "/usr", scratch: "/root/usr", readOnly: true, system: true },
    { source: "/dev/null", scratch: "/dev/null", readOnly: false, devices: true },
    { source: "/state/s/home", scratch: "/m0", readOnly: false },
  ] as const;
  const own = {
    ...{ ...root, asRoot: true, gathered, mounts, folders: ["/root", "/dev"], terminals: "/dev/pts" },
    links: [{ text: "usr/bin", scratch: "/bin" }],
  };
  const argv = planArgv({ ...plan, root: own }, "/bin/bwrap", ["sh", "-c", "script"]);
  expect(argv.slice(2, argv.indexOf("/bin/bwrap"))).toEqual([
    ...["--uid", "7", "--gid", "8", "--scratch", "/tmp", "--as-root", "--folder", "root", "--folder", "dev"],
    ...["--mount", "system", "/usr", "root/usr", "--mount", "dev", "/dev/null", "dev/null"],
    ...["--mount", "rw", "/state/s/home", "m0", "--link", "usr/bin", "bin", "--terminals", "dev/pts"],
    ...["--keep-fd", "4", "--"],
  ]);
  expect(argv.slice(argv.indexOf("--chdir") + 2, -9)).toEqual([
    ...["--bind", "/root", "/", "--bind", "/m0", "/h"],
    ...["--tmpfs", "/t", "--perms", "1777", "--size", "4096", "--tmpfs", "/t/s"],
    ...["--perms", "0755", "--dir", "/d", "--symlink", "usr/l", "/l", "--proc", "/proc"],
    ...["--dev-bind", "/dev", "/dev", "--ro-bind", "/etc", "/etc", "--remount-ro", "/"],
  ]);
});

const acting = [
  "LD_PRELOAD",
  "LD_LIBRARY_PATH",
  "GCONV_PATH",
  "GLIBC_TUNABLES",
  "BASH_ENV",
  "ENV",
  "NODE_OPTIONS",
];

test.each(acting)("%s reaches the command alone, and nothing that Workcell starts before it", (name) => {
  const environment = [from({ name, value: "/home/ann/x" }, "flag --env")];
  const built = buildPlan(planInput({ settings: { environment }, uid: 7 }));
  const words = built.argv.slice(built.argv.indexOf("/usr/bin/env"));
  expect(words).toEqual(["/usr/bin/env", `${name}=/home/ann/x`, ...built.command]);
  expect(built.argv.slice(0, -words.length).join(" ")).not.toContain("/home/ann/x");
  expect(Object.keys(launchEnvironment(built))).not.toContain(name);
});

test("launchEnvironment() holds everything else, and the command line nothing of it", () => {
  const names = ["TOKEN", "LDFLAGS", "ENVIRONMENT"];
  const environment = names.map((name) => from({ name, value: "value-of-it" }, "flag --env"));
  const built = buildPlan(planInput({ settings: { environment, mounts: [mount("/srv/job")] } }));
  expect(launchEnvironment(built)).toEqual(
    Object.fromEntries(built.environment.map(({ name, value }) => [name, value])),
  );
  expect(built.argv.filter((word) => word === "--setenv" || word.includes("value-of-it"))).toEqual([]);
});

test("sealArguments() hands cellinit its descriptors and what Landlock allows", () => {
  expect(sealArguments("seal", plan)).toEqual([
    ...["/run/workcell/cellinit", "seal", "--control-fd", "7", "--filter-fd", "5", "--stderr-fd", "6"],
    ...["--uid-check", "--landlock-required", "--landlock-read", "/", "--landlock-write", "/h"],
    ...["--rlimit", "nofile=9", "--"],
  ]);
});
