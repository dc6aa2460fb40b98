import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as helper from "../helpers/cellhost.ts";

const { cellId, runScript, runToEnd } = helper;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("cellhost identity: skipped, only root has one to give up; run the tests as root");

describe.runIf(isRoot)("after cellhost enter", () => {
  let place: helper.Place;
  let enter: readonly string[] = [];

  beforeAll(() => {
    place = helper.makePlace();
    const cellhost = helper.buildCellhost(place.path);
    mkdirSync(path.join(place.path, "scratch"));
    mkdirSync(path.join(place.path, "source/below"), { recursive: true });
    const scratch = path.join(place.path, "scratch");
    enter = [cellhost, "enter", "--uid", `${cellId}`, "--gid", `${cellId}`, "--scratch", scratch];
  });
  afterAll(() => place[Symbol.dispose]());

  const status = [
    "--",
    "/bin/grep",
    "-E",
    "^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs):",
    "/proc/self/status",
  ];
  const none = "0000000000000000";
  const dropped = [
    `Uid:\t${cellId}\t${cellId}\t${cellId}\t${cellId}`,
    `Gid:\t${cellId}\t${cellId}\t${cellId}\t${cellId}`,
    "Groups:\t ",
    ...["Inh", "Prm", "Eff", "Amb"].map((set) => `Cap${set}:\t${none}`),
    "NoNewPrivs:\t1",
    "",
  ].join("\n");

  test("every part of root's identity is gone, its groups too", () => {
    const done = runToEnd(["setpriv", "--groups", "4,27", ...enter, ...status]);
    expect(done).toEqual({ status: 0, signal: null, stdout: dropped, stderr: "" });
  });

  test("securebits that keep capabilities over a change of uid keep none", () => {
    const keeping = [
      "setpriv",
      "--securebits",
      "+no_setuid_fixup",
      "--inh-caps",
      "+chown",
      "--ambient-caps",
      "+chown",
    ];
    const control = runToEnd([...keeping, "--reuid", `${cellId}`, ...status.slice(1)]);
    expect(control.stdout).not.toContain(`CapEff:\t${none}`);
    expect(runToEnd([...keeping, ...enter, ...status])).toMatchObject({ status: 0, stdout: dropped });
  });

  test("uid 0 cannot be had back", () => {
    const regain = ["/usr/bin/setpriv", "--reuid", "0", "/usr/bin/id", "-u"];
    expect(runToEnd(regain)).toMatchObject({ status: 0, stdout: "0\n" });
    const done = runToEnd([...enter, "--", ...regain]);
    expect(done.status).not.toBe(0);
    expect(done.stdout).toBe("");
  });

  test("no descriptor is left but 0 to 2 and those named", () => {
    const script = `exec 5</etc/hostname 6</etc/hostname 77</etc/shadow; exec "$@"`;
    const look = ["/bin/ls", "/proc/self/fd"];
    const control = runScript(script, [...helper.asStranger, ...look]);
    expect(control.stdout.split("\n")).toEqual(expect.arrayContaining(["5", "6", "77"]));
    // 3 is what ls reads the folder by.
    const done = runScript(script, [...enter, "--keep-fd", "77", "--keep-fd", "6", "--", ...look]);
    expect(done).toMatchObject({ status: 0, stdout: "0\n1\n2\n3\n6\n77\n", stderr: "" });
  });

  test("a standard descriptor that was closed is /dev/null, none of cellhost's own", () => {
    const source = path.join(place.path, "source");
    const done = runScript(`exec 0<&- "$@"`, [
      ...[...enter, "--mount", "ro", source, "m0"],
      ...["--", "/bin/readlink", "/proc/self/fd/0"],
    ]);
    expect(done).toMatchObject({ status: 0, stdout: "/dev/null\n" });
  });

  test("it stands in /, not in a folder of root's, and has the process id it was started with", () => {
    const secret = path.join(place.path, "root-only");
    mkdirSync(secret, { mode: 0o700 });
    writeFileSync(path.join(secret, "file"), "x");
    const script = `echo $$; exec "$@" -- /bin/sh -c 'echo $$; pwd; ls file'`;
    const done = runScript(script, enter, { cwd: secret });
    const [before, after, folder, ...rest] = done.stdout.split("\n");
    expect([after, folder, rest]).toEqual([before, "/", [""]]);
  });

  test("the host never sees the mounts, and later mounts of the host stay out of read-only folders", () => {
    const lookAround = `
      mount --make-rshared /
      work=$1 source=$1/source; shift
      look() { cat /proc/self/mountinfo > "$work/$1"; }
      look before
      mkfifo "$work/up"
      "$@" --mount ro "$source" m0 -- /bin/sh -c 'echo up; exec sleep 30' > "$work/up" & cell=$!
      read -r up < "$work/up"
      look during
      grep -c "scratch/m0 " /proc/$cell/mountinfo
      mount -t tmpfs later "$source/below"
      grep -c "scratch/m0/below " /proc/$cell/mountinfo || true
      umount "$source/below"
      kill -KILL $cell; wait $cell || true
      look after
      unshare -m --propagation unchanged mount -t tmpfs control "$source/below"
      look control`;
    const script = `${lookAround}; for name in during after control; do cmp -s "$work/before" "$work/$name" && echo same || echo other; done`;
    const done = runToEnd(["unshare", "-m", "bash", "-euc", script, "bash", place.path, ...enter]);
    expect(done).toMatchObject({ status: 0, stdout: "1\n0\nsame\nsame\nother\n" });
  });

  /** Starts a program below a shell, kills that shell, and says what the program's state is 0.5 s later. */
  const stateAfterParent = (argv: readonly string[]) => {
    const script = `
      file=$1; shift
      bash -c '"$@" >&2 & echo $! >"$0"; wait' "$file" "$@" & parent=$!
      until [ "$(cat /proc/$(cat "$file")/comm)" = sleep ]; do sleep 0.01; done
      kill -KILL $parent; wait $parent || true; sleep 0.5
      grep -s '^State:' /proc/$(cat "$file")/status || true
      kill -KILL $(cat "$file") || true`;
    const file = path.join(place.path, "pid");
    writeFileSync(file, "self");
    return runScript(script, [file, ...argv, "/bin/sleep", "60"]).stdout;
  };

  test("it dies with its parent, though the change of uid disarms what was armed before", () => {
    // A zombie is dead: whether it is reaped is up to the machine's init.
    expect(stateAfterParent([...enter, "--"])).toMatch(/^$|zombie/);
    expect(stateAfterParent(helper.asStranger)).toContain("sleeping");
  });
});
