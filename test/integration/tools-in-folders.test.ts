import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { said, waitsIn } from "../helpers/reviewed.ts";
import { type Desk, type Ended, isSoak, makeDesk, people } from "../helpers/run-workcell.ts";

/** Everyday work of a real tool on a folder of the person's. */
interface Work {
  readonly name: string;
  /** Makes the folder before anybody works, in bash; may need the network, or a tool: then the test is skipped when it fails. */
  readonly seed: string;
  /** The work, in bash. */
  readonly script: string;
  /** Flags of `workcell run` besides. */
  readonly flags?: readonly string[];
  /** Files that differ from one plain run to the next, and how to look at them instead. */
  readonly instead?: { readonly files: RegExp; readonly look: string };
  /** Variables of the person's own that the tool needs to reach its registry. */
  readonly pass?: readonly string[];
}

const git = `export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_DATE="2020-01-01T00:00:00Z" GIT_COMMITTER_DATE="2020-01-01T00:00:00Z"
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@example.org GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@example.org; `;
const repository = `${git} git init -q -b main . && echo one >file && echo two >other && mkdir sub && echo s >sub/s && git add . && git commit -qm first
git switch -qc side && echo side >side && git add . && git commit -qm side && git switch -q main && echo more >>file && git commit -qam second`;
/** The index knows inodes and times; what it lists is the same. */
const index = {
  files: /(^|\/)\.git(\/.*)?\/index$/,
  look: `${git} git ls-files -s; GIT_OPTIONAL_LOCKS=0 git status --porcelain`,
};
const python = "/usr/bin/python3";
/** A wheel is a zip with three files in it. */
const wheel = `import zipfile
info = "leaf-1.0.dist-info"
with zipfile.ZipFile("leaf-1.0-py3-none-any.whl", "w") as z:
    z.writestr("leaf/__init__.py", "def leaf():\\n    return 1\\n")
    z.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: leaf\\nVersion: 1.0\\n")
    z.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    z.writestr(f"{info}/RECORD", "")`;

const npmInstall = "npm ci";
const pipInstall = "pip install into a virtual environment";

const works: readonly Work[] = [
  {
    name: "git clone",
    seed: `mkdir from && cd from && ${repository}`,
    script: `${git} git clone -q --no-hardlinks from to && git -C to log --format=%s`,
    instead: { files: index.files, look: `cd to && ${index.look}` },
  },
  {
    name: "git commit",
    seed: repository,
    script: `${git} echo new >new && rm other && echo x >>file && git add -A && git commit -qm third && git tag v1`,
    instead: index,
  },
  {
    name: "git rebase",
    seed: repository,
    script: `${git} git switch -q side && git rebase -q main`,
    instead: index,
  },
  {
    name: "git stash",
    seed: repository,
    script: `${git} echo x >>file && rm other && git stash -q && echo y >>sub/s && git stash -q && git stash pop -q`,
    instead: index,
  },
  {
    name: npmInstall,
    seed: 'echo \'{"name":"x","version":"1.0.0","dependencies":{"debug":"4.4.1","semver":"7.7.2"}}\' >package.json && npm install --package-lock-only --no-audit --no-fund >/dev/null',
    script:
      'npm ci --no-audit --no-fund --no-update-notifier >/dev/null && node -e \'require("debug")("x")\'',
    flags: ["--preset", "npm"],
    pass: ["NODE_EXTRA_CA_CERTS"],
  },
  {
    name: pipInstall,
    seed: `${python} - <<'P'\n${wheel}\nP\n${python} -m pip --version >/dev/null`,
    script: `export PYTHONDONTWRITEBYTECODE=1; ${python} -m venv --without-pip v && ${python} -m pip -q --isolated --disable-pip-version-check --python v/bin/python install --no-index --no-compile ./leaf-1.0-py3-none-any.whl && v/bin/python -c 'import leaf; leaf.leaf()'`,
  },
  {
    name: "sed -i",
    seed: "seq 100 >numbers; chmod 640 numbers; mkdir d; seq 9 >d/n; ln -s numbers link",
    script: "sed -i s/^7/seven/ numbers d/n && sed -i --follow-symlinks s/^8/eight/ link",
  },
  {
    name: "vim",
    seed: "command -v vim >/dev/null; seq 20 >text; chmod 600 text",
    script: "vim -es -u NONE -c 'set backup' -c '5d' -c '$s/20/twenty/' -c wq -c cq text </dev/null",
  },
  {
    name: "SQLite",
    seed: `${python} -c 'import sqlite3; c = sqlite3.connect("db"); c.execute("create table t (x)"); c.execute("insert into t values (1)"); c.commit()'`,
    script: `${python} - <<'P'
import sqlite3
c = sqlite3.connect("db")
for n in range(100): c.execute("insert into t values (?)", ("x" * n,)); c.commit()
c.execute("create index i on t (x)"); c.execute("delete from t where x = 1"); c.commit()
c.execute("vacuum"); print(c.execute("pragma integrity_check").fetchone()[0]); c.close()
P`,
  },
  {
    name: "make -j",
    seed: `command -v make >/dev/null; printf 'all: $(patsubst %%,out/%%,1 2 3 4 5 6 7 8)\\nout/%%: in/%% | out\\n\\tcp -p $< $@\\nout:\\n\\tmkdir $@\\nclean:\\n\\trm -r out\\n' >Makefile; mkdir in; for n in 1 2 3 4 5 6 7 8; do echo $n >in/$n; done`,
    script: "make -sj4 && make -s clean && make -sj4 && rm in/1",
  },
  {
    name: "a Python test suite",
    seed: `mkdir tests; printf 'def double(x):\\n    return 2 * x\\n' >code.py; printf 'import unittest, code, pathlib\\nclass T(unittest.TestCase):\\n    def test(self):\\n        pathlib.Path("trace").write_text("4")\\n        self.assertEqual(eval("2 * 2"), 4)\\n' >tests/test_code.py; touch -d 2020-01-01 code.py tests/test_code.py`,
    script: `${python} -m unittest discover -q -s tests -t . 2>/dev/null || ${python} -m unittest -q tests/test_code.py`,
  },
];

/** Type, bits, owner and content of everything: what tools leave. Times and numbers of links are the file system's affair. */
function treeOf(folder: string, isLeftOut: (place: string) => boolean): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (place: string): void => {
    const { mode, uid, gid } = lstatSync(place);
    const stat = lstatSync(place);
    const name = path.relative(folder, place);
    const content = stat.isFile()
      ? createHash("sha256").update(readFileSync(place)).digest("hex")
      : stat.isSymbolicLink()
        ? readlinkSync(place)
        : "";
    found[name] = [mode.toString(8), uid, gid, isLeftOut(name) ? "" : content].join(" ");
    if (stat.isDirectory()) for (const inner of readdirSync(place).sort()) walk(path.join(place, inner));
  };
  walk(folder);
  return found;
}

describe.each(people)("real tools on real folders as $name", (person) => {
  let desk: Desk;
  beforeAll(() => {
    desk = makeDesk(person);
  });
  afterAll(() => desk[Symbol.dispose]());

  const modes = ["rw", "review", "auto", "ro"] as const;
  /** Those that install take long: one as each of the two, in the long form both as both. */
  const isTried = ({ name }: Work) =>
    isSoak || people.length === 1 || name !== (person.uid === undefined ? pipInstall : npmInstall);

  test.for(works.filter(isTried))(
    "$name leaves what it leaves outside, in every mode",
    { timeout: 180_000 },
    async (work, { skip }) => {
      const folder = path.join(desk.work, "project");
      const kept = `${folder}-seed`;
      const env = Object.fromEntries(
        (work.pass ?? []).flatMap((name) =>
          process.env[name] === undefined ? [] : [[name, process.env[name]]],
        ),
      );
      const bash = (script: string) =>
        desk.outside(["bash", "-c", script], {
          cwd: folder,
          within: 120_000,
          env: env as Record<string, string>,
        });
      const fresh = () => {
        rmSync(folder, { recursive: true, force: true });
        return desk.outside(["cp", "-a", kept, folder]);
      };
      rmSync(kept, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
      desk.folder("work/project");
      const seeded = await bash(`set -e; ${work.seed}`);
      skip(seeded.code !== 0, `cannot be prepared here: ${seeded.stderr.trim().split("\n").at(-1)}`);
      await desk.outside(["mv", folder, kept]);
      const look = async () => {
        const tree = treeOf(folder, (name) => work.instead?.files.test(name) === true);
        const seen = work.instead === undefined ? "" : (await bash(work.instead.look)).stdout;
        return { tree, seen };
      };

      await fresh();
      const before = await look();
      const plain = await bash(`umask 022; ${work.script}`);
      skip(plain.code !== 0, `does not work outside either: ${plain.stderr.trim().split("\n").at(-1)}`);
      const expected = await look();
      // The control: there is something to be missed.
      expect(expected.tree).not.toEqual(before.tree);

      const run = (mode: string): Promise<Ended> =>
        desk.run(
          [...(work.flags ?? []), "-m", `${folder}:${mode}`, "bash", "-c", `umask 022; ${work.script}`],
          {
            within: 120_000,
            env: env as Record<string, string>,
          },
        );
      for (const mode of modes) {
        await fresh();
        const ended = await run(mode);
        if (mode === "ro") {
          expect([mode, ended.code === 0, await look()]).toEqual([mode, false, before]);
          continue;
        }
        expect([mode, ended.code, ended.code === 0 ? "" : ended.stderr]).toEqual([mode, 0, ""]);
        if (mode === "review") expect([mode, await look()]).toEqual([mode, before]);
        // What `auto` leaves to the person is applied here, as they would.
        const waits = /waits? in session/.test(ended.stderr);
        expect([mode, waits || mode !== "review"]).toEqual([mode, true]);
        if (waits) {
          const [code, stdout, stderr] = await said(desk, ["apply", waitsIn(ended)]);
          expect([mode, code, stdout.includes("Held back"), stderr]).toEqual([mode, 0, false, ""]);
        }
        expect([mode, await look()]).toEqual([mode, expected]);
      }
    },
  );

  test("git clone by links within a folder in review: as root; a user's layer cannot, and git says so", async () => {
    const folder = desk.folder("work/links");
    const bash = (script: string) => desk.outside(["bash", "-c", script], { cwd: folder });
    const make = await bash(`set -e; mkdir from; cd from; ${repository}`);
    expect([make.code, make.stderr]).toEqual([0, ""]);
    const clone = `${git} git clone -q from to && git -C to fsck --strict`;
    const ended = await desk.run(["-m", folder, "bash", "-c", clone]);
    if (person.uid === undefined && process.getuid?.() === 0)
      expect([ended.code, ended.stderr.includes("fatal")]).toEqual([0, false]);
    else
      expect([ended.code, ended.stderr]).toEqual([
        128,
        expect.stringContaining("hardlink different from source"),
      ]);
    // The control.
    expect((await bash(clone)).code).toBe(0);
  });
});
