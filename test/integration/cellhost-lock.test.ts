import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as helper from "../helpers/cellhost.ts";

const { failureLine, runScript, runToEnd } = helper;

describe("cellhost", () => {
  let place: helper.Place;
  let cellhost = "";

  beforeAll(() => {
    place = helper.makePlace();
    cellhost = helper.buildCellhost(place.path);
  });
  afterAll(() => place[Symbol.dispose]());

  /** Another process opens the file and does `first`; then this one asks for the lock, and says what it got. */
  const contend = (first: string, second: string) =>
    runScript(
      `file=$2; exec 4> >(exec 9>>"$file"; ${first}; echo held >"$file.held"; read -r _ || true)
       until [ -s "$file.held" ]; do sleep 0.01; done
       exec 9>>"$file"; ${second} || echo "exit $?"; exec 4>&-; "$1" lock 9 5000; echo "then $?"`,
      [cellhost, path.join(place.path, `lock-${Math.random()}`)],
    );

  test("lock holds a file for as long as the caller has it open, against another process", () => {
    const done = contend(`"$1" lock 9`, `"$1" lock 9 200`);
    expect(done).toMatchObject({ status: 0, stdout: "exit 75\nthen 0\n" });
    expect(done.stderr).toBe('cellhost: lock "9": Resource temporarily unavailable (errno EAGAIN)\n');
  });

  test("lock does not wait with a limit of 0", () => {
    expect(contend(`"$1" lock 9`, `"$1" lock 9 0`).stdout).toBe("exit 75\nthen 0\n");
  });

  test("a file that is open but not locked is had at once (control)", () => {
    const done = contend("true", `"$1" lock 9 0`);
    expect(done).toMatchObject({ status: 0, stdout: "then 0\n", stderr: "" });
  });

  test("lock says in one line that the descriptor is not open", () => {
    const done = runToEnd([cellhost, "lock", "93"]);
    expect(done.status).toBe(125);
    expect(done.stderr).toMatch(failureLine);
  });

  test("probe-landlock prints the kernel's ABI, or why there is none", () => {
    const done = runToEnd([cellhost, "probe-landlock"]);
    expect(done).toMatchObject({ status: 0, stderr: "" });
    expect(done.stdout).toMatch(/^(\d+|ENOSYS|EOPNOTSUPP|EPERM)\n$/);
  });

  test("probe-seccomp finds what the kernel says it has", () => {
    const done = runToEnd([cellhost, "probe-seccomp"]);
    const actions = runToEnd(["cat", "/proc/sys/kernel/seccomp/actions_avail"]).stdout;
    const notification = actions.includes("user_notif") ? "yes" : expect.stringMatching(/^E[A-Z]+$/);
    const [filter, found, listener] = done.stdout.split("\n").map((line) => line.split(" "));
    expect([filter, found, listener]).toEqual([
      ["filter", "yes"],
      ["user-notification", notification],
      // Unless the tests themselves run below a filter that has one.
      ["listener", expect.stringMatching(/^(yes|EBUSY)$/)],
    ]);
  });

  test.runIf(process.getuid?.() === 0)(
    "probe-idmap tells a file system that can from one that cannot",
    () => {
      using can = helper.makeIdmappablePlace(cellhost);
      expect(runToEnd([cellhost, "probe-idmap", can.path])).toMatchObject({ status: 0, stderr: "" });
      const cannot = runToEnd([cellhost, "probe-idmap", "/proc/sys"]);
      expect(cannot.status).toBe(122);
      expect(cannot.stderr).toBe('cellhost: idmap "/proc/sys": Invalid argument (errno EINVAL)\n');
      const gone = runToEnd([cellhost, "probe-idmap", path.join(can.path, "gone")]);
      expect(gone.status).toBe(123);
    },
  );
});
