import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { buildFilters, nameOfCall } from "../../src/plan/seccomp/index.ts";
import { compileFixture } from "../helpers/compile-fixture.ts";
import { missing, runFiltered, type Starter, starters } from "../helpers/filtered-bwrap.ts";

const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
const enosys = 38;
const eperm = 1;
/** EXFULL, which the fixture's listener answers. */
const answered = 54;

/** The first filter from bwrap, without a listener; the second from the fixture, which listens. */
function listen(starter: Starter, first: "errno" | "notify") {
  const program = compileFixture("filter-listener");
  const second = path.join(path.dirname(program), "second");
  const [outer] = buildFilters(arch, { refuse: first });
  const [, inner] = buildFilters(arch, { refuse: "notify" });
  writeFileSync(second, inner?.program ?? "");
  const run = runFiltered(starter, outer === undefined ? [] : [outer.program], [
    ...["--unshare-all", "--unshare-user", "--die-with-parent", "--ro-bind", "/", "/", "--tmpfs", "/tmp"],
    ...["--ro-bind", program, "/tmp/run", "--ro-bind", second, "/tmp/second"],
    ...["--chdir", "/tmp", "/tmp/run", "/tmp/second"],
  ]);
  expect({ code: run.code, errors: run.errors }).toEqual({ code: 0, errors: "" });
  const lines = run.output.trimEnd().split("\n");
  const errnos = lines.filter((line) => /^(got|helper)/.test(line)).map((line) => line.split(" "));
  return {
    got: Object.fromEntries(errnos.map(([, label = "", errno]) => [label, Number(errno)]).slice(0, -1)),
    helper: Number(errnos.at(-1)?.[2]),
    notified: lines
      .filter((line) => line.startsWith("notified"))
      .map((line) => line.split(" ").map(Number))
      .map(([, number = 0, audit]) => nameOfCall(arch, number, audit)),
  };
}

const foreign = arch === "x86_64" ? ["x32 call 39", "32-bit call 20"] : [];
const unrecorded = { clone3: enosys, unknown: enosys, getppid: 0 };

describe.skipIf(missing(["bwrap", "gcc"]).length > 0).each(starters)(
  "two filters that notify, started by $name",
  (starter) => {
    test("the second one's listener is asked about every refusal, and a helper without it gets ENOSYS", () => {
      const refused = Object.fromEntries(
        [
          "mount",
          "fchmod",
          "socket",
          "prlimit64",
          "seccomp",
          ...(arch === "x86_64" ? ["x32", "i386"] : []),
        ].map((call) => [call, answered]),
      );
      expect(listen(starter, "notify")).toEqual({
        got: { ...refused, ...unrecorded },
        helper: enosys,
        notified: ["mount", "fchmod", "socket", "prlimit64", "seccomp", ...foreign],
      });
    });

    test("control: a first filter that answers by errno hides what it refuses from the listener", () => {
      const found = listen(starter, "errno");
      expect([found.got["mount"], found.helper]).toEqual([eperm, eperm]);
      expect(found.notified).toEqual(["fchmod", "socket", "prlimit64", "seccomp"]);
    });
  },
);
