import {
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type Attempt, describeAttempts } from "../helpers/attempts.ts";
import { isRoot, lacking, type Person, people, useHouse } from "../helpers/cell.ts";

const absent = lacking({ programs: ["tar"] });
const house = useHouse();

interface Owner {
  readonly person: Person;
  readonly uid: number;
  readonly gid: number;
}

/** Root connects folders of his own and of others; an ordinary user his own. */
const owners: readonly Owner[] = people.flatMap((person) => [
  { person, uid: person.uid, gid: person.uid },
  ...(person.isRoot ? [{ person, uid: 1234, gid: 1235 }] : []),
]);

let made = 0;
function makeFolder({ uid, gid }: Owner, mode = 0o700): string {
  made += 1;
  const folder = house.makeFolder(`folder-${made}`, uid, gid);
  chmodSync(folder, mode);
  return folder;
}

interface Entry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Everything below a folder, as the host has it. */
function look(folder: string): readonly Entry[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return names.map((name) => {
    const { uid, gid, mode } = lstatSync(path.join(folder, name));
    return { name, uid, gid, mode: mode & 0o7777 };
  });
}

/** Ways to give a file or folder a set-id bit, each on one of its own. */
const setId: Readonly<Record<string, string>> = {
  "chmod-4755": ": >$F; chmod 4755 $F",
  "chmod-2755": ": >$F; chmod 2755 $F",
  "chmod-symbolic": ": >$F; chmod u+s,g+s $F",
  fchmod: `perl -e 'open(F, ">", $ENV{F}) and chmod(06755, *F)'`,
  install: "install -m 4755 /bin/true $F",
  "install-folder": "install -d -m 2777 $F",
  mkdir: "mkdir -m 2777 $F",
  "copy-of-the-system's": "cp -p $(command -v su) $F",
  "copy-of-the-folder's": "cp -p planted $F",
  sysopen: `perl -MFcntl -e 'umask 0; sysopen(F, $ENV{F}, O_CREAT | O_RDWR, 04755)'`,
  "open-of-node": "node -e 'process.umask(0); fs.openSync(process.env.F, \"w\", 0o6755)'",
  "unnamed-then-linked": `perl -e 'umask 0; sysopen(F, ".", 020200002, 04755) and system("ln", "-L", "/proc/$$/fd/" . fileno(F), $ENV{F})'`,
  mknod: `perl -MPOSIX -e 'umask 0; POSIX::mkfifo($ENV{F}, 04755)'`,
  tar: `cp -p planted t && tar -cf t.tar --transform "s/^t$/$F/" --mode 6755 t; rm t; tar -xpf t.tar; rm t.tar`,
};

const setIdScript = Object.entries(setId)
  .map(([name, act]) => `export F="${name}"; (${act}) >/dev/null 2>&1`)
  .join("\n");

/** What ordinary work leaves. */
const workScript = `
  umask 022
  echo text >file; mkdir -p folder/below; echo more >folder/below/file; ln -s file link; ln file hard
  cp /etc/hostname copy; mv copy moved; mkfifo pipe; printf x >>existing; node -e 'fs.writeFileSync("by-node", "")'`;

function plant(folder: string, owner: Owner): void {
  const planted = path.join(folder, "planted");
  const existing = path.join(folder, "existing");
  copyFileSync("/bin/true", planted);
  writeFileSync(existing, "");
  if (isRoot) for (const file of [planted, existing]) chownSync(file, owner.uid, owner.gid);
  chmodSync(planted, 0o4755);
}

const bits = (entries: readonly Entry[]) =>
  entries.filter(({ mode, name }) => (mode & 0o6000) !== 0 && name !== "planted").map(({ name }) => name);

describe.skipIf(absent.length > 0).each(owners)(
  "P8: a folder of uid $uid, connected by $person.name",
  (owner) => {
    const { person, uid, gid } = owner;

    test("what is written belongs to the folder's owner", async () => {
      const folder = makeFolder(owner);
      plant(folder, owner);
      const ended = await house.inside(person, ["-m", `${folder}:rw`], ["bash", "-ec", workScript]);
      expect(ended).toEqual({ status: 0, signal: null, stdout: "", stderr: "" });
      const names = look(folder).map(({ name }) => name);
      const written = [
        "by-node",
        "file",
        "folder",
        "folder/below",
        "folder/below/file",
        "hard",
        "link",
        "moved",
        "pipe",
      ];
      expect(names).toEqual([...written, "existing", "planted"].sort());
      expect(look(folder).filter((entry) => entry.uid !== uid || entry.gid !== gid)).toEqual([]);
      expect(bits(look(folder))).toEqual([]);
    });

    test("nothing in it gets a set-id bit, control: without a cell each way gives one", async () => {
      const [folder, control] = [
        makeFolder(owner),
        makeFolder({ ...owner, uid: person.uid, gid: person.uid }),
      ];
      plant(folder, owner);
      plant(control, { ...owner, uid: person.uid, gid: person.uid });
      await house.inside(person, ["-m", `${folder}:rw`], ["bash", "-c", setIdScript]);
      expect(bits(look(folder))).toEqual([]);
      // Some ways leave nothing at all; those that leave a file leave a plain one, of the owner's.
      expect(look(folder).length).toBeGreaterThan(4);
      expect(look(folder).filter((entry) => entry.uid !== uid || entry.gid !== gid)).toEqual([]);
      await house.outside(person, ["bash", "-c", setIdScript], { cwd: control });
      // Only root's copy keeps the bit of a program that is root's.
      const without = person.isRoot ? [] : ["copy-of-the-system's"];
      expect(bits(look(control))).toEqual(
        Object.keys(setId)
          .filter((name) => !without.includes(name))
          .sort(),
      );
    });

    test("a folder with the set-group-id bit passes on its group to folders, and never the bit to a file", async () => {
      const folder = makeFolder(owner, 0o2775);
      const script = "mkdir folder; echo text >folder/file; : >plain; chmod 755 plain; mkdir folder/below";
      await house.inside(person, ["-m", `${folder}:rw`], ["bash", "-ec", script]);
      expect(bits(look(folder))).toEqual(["folder", "folder/below"]);
      expect(look(folder).filter((entry) => entry.uid !== uid || entry.gid !== gid)).toEqual([]);
    });
  },
);

const file = (folder: string) => `${folder}/file`;
const changes = (folder: string): readonly Attempt[] => [
  { name: "make a file", act: `: >${folder}/new` },
  { name: "make a folder", act: `mkdir ${folder}/made` },
  { name: "write to a file", act: `echo more >>${file(folder)}` },
  { name: "open a file for writing", act: `: <>${file(folder)}` },
  { name: "change a mode", act: `chmod 600 ${file(folder)}` },
  { name: "change a time", act: `touch -d 2000-01-01 ${file(folder)}` },
  { name: "make a link", act: `ln ${file(folder)} ${folder}/hard` },
  {
    name: "rename a file",
    act: `mv ${file(folder)} ${folder}/renamed && mv ${folder}/renamed ${file(folder)}`,
  },
  { name: "write through the process's root", act: `echo more >>/proc/self/root${file(folder)}` },
  { name: "write through a folder's descriptor", act: `exec 9<${folder}; : >/proc/self/fd/9/through` },
  { name: "write through a file's descriptor", act: `exec 9<${file(folder)}; echo more >>/proc/self/fd/9` },
  { name: "remove a file", act: `rm -f ${file(folder)}` },
];

describe.skipIf(absent.length > 0)("P8: ro is read-only", () => {
  describeAttempts({
    title: "a folder that is connected ro",
    people,
    house,
    names: changes("").map(({ name }) => name),
    prepare: (person) => {
      const owner = { person, uid: person.uid, gid: person.uid };
      const folder = makeFolder(owner, 0o755);
      mkdirSync(path.join(folder, "sub"));
      writeFileSync(file(folder), "text");
      if (isRoot)
        for (const name of ["sub", "file"]) chownSync(path.join(folder, name), owner.uid, owner.gid);
      return { attempts: changes(folder), flags: ["-m", `${folder}:ro`] };
    },
  });
});
