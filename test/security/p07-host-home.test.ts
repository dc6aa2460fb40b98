import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Attempt, describeAttempts } from "../helpers/attempts.ts";
import { isRoot, lacking, type Person, people, useHouse } from "../helpers/cell.ts";
import { makeMark } from "../helpers/live-cell.ts";

const absent = lacking({});
const house = useHouse();
const mark = makeMark();
const servers: net.Server[] = [];

afterAll(() => {
  for (const server of servers) server.close();
});

/** Secrets of a person's environment, as tools look for them. */
const secretNames = [
  ...["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "NPM_TOKEN", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"],
  ...["SSH_AUTH_SOCK", "DOCKER_HOST", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "KUBECONFIG"],
];
const secrets = Object.fromEntries(secretNames.map((name) => [name, `${name}-${mark}`]));

const homeFiles = [
  ".ssh/id_ed25519",
  ".aws/credentials",
  ".npmrc",
  ".netrc",
  ".config/gh/hosts.yml",
  ".bash_history",
];

async function listen(file: string): Promise<void> {
  const server = net.createServer((socket) => socket.on("error", () => {}).end(mark));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(file, resolve));
  chmodSync(file, 0o666);
  servers.push(server);
}

/** What a person's home holds, with the mark in all of it. */
async function furnish(person: Person): Promise<void> {
  const home = house.home(person);
  for (const name of homeFiles) {
    mkdirSync(path.join(home, path.dirname(name)), { recursive: true, mode: 0o755 });
    writeFileSync(path.join(home, name), mark, { mode: 0o644 });
  }
  await listen(path.join(home, "agent.sock"));
  writeFileSync(`/tmp/${mark}-${path.basename(house.home(person))}`, mark, { mode: 0o644 });
  if (isRoot) await listen(`/run/${mark}-${path.basename(house.home(person))}.sock`);
}

const finds = (file: string) => `grep -qs ${mark} ${file}`;

function attempts(person: Person): readonly Attempt[] {
  const home = house.home(person);
  const runSocket = `/run/${mark}-${path.basename(house.home(person))}.sock`;
  return [
    ...homeFiles.map((name): Attempt => ({ name: `read ~/${name}`, act: finds(`${home}/${name}`) })),
    ...homeFiles.slice(0, 1).map(
      (name): Attempt => ({
        name: `read ~/${name} through any process's root`,
        act: finds(`/proc/[0-9]*/root${home}/${name}`),
      }),
    ),
    { name: "list the home", act: `ls ${home} | grep -q .` },
    {
      name: "use an agent's socket in the home",
      act: `timeout 3 socat -u UNIX-CONNECT:${home}/agent.sock - | grep -q ${mark}`,
    },
    {
      name: "use a daemon's socket in /run",
      act: `timeout 3 socat -u UNIX-CONNECT:${runSocket} - | grep -q ${mark}`,
      ...(isRoot ? {} : { maybeVacuous: "only root can put one there" }),
    },
    { name: "read the host's /tmp", act: finds(`/tmp/${mark}-${path.basename(house.home(person))}`) },
    { name: "read Workcell's own records", act: `ls ${house.state(person)}/sessions | grep -q .` },
    ...secretNames.map(
      (name): Attempt => ({ name: `read $${name}`, act: `[ "$${name}" = "${secrets[name]}" ]` }),
    ),
    { name: "find a secret in any process's environment", act: finds("/proc/[0-9]*/environ") },
    // Of the tests' own process, which is started before any cell.
    {
      name: "see the host's processes",
      act: `[ "$(tr '\\0' ' ' </proc/${process.pid}/cmdline | grep -c node)" = 1 ]`,
    },
    { name: "read the host's users", act: `getent passwd daemon` },
    {
      name: "read the host's machine id",
      act: "grep -q . /etc/machine-id",
      maybeVacuous: "the machine has none",
    },
    { name: "see the host's devices", act: "ls /sys/class/net /sys/block | grep -q ." },
    {
      name: "see the host's name",
      act: `[ "$(hostname)" = "$(cat /proc/sys/kernel/hostname)" ] && [ "$(hostname)" != claude ]`,
      maybeVacuous: "the host has the cell's name",
    },
    { name: "write into /usr", act: "touch /usr/written && rm /usr/written", rootOnly: true },
    { name: "write into /etc", act: "touch /etc/written && rm /etc/written", rootOnly: true },
    { name: "make a folder in /", act: "mkdir /made && rmdir /made", rootOnly: true },
  ];
}

/** Folders of `/` that a cell has, of which those of the host are read-only system folders. */
const rootNames = [
  "bin",
  "dev",
  "etc",
  "lib",
  "opt",
  "proc",
  "run",
  "sbin",
  "sessions",
  "sys",
  "tmp",
  "usr",
  "var",
];

describe.skipIf(absent.length > 0)("P7: the host's home is not in the cell", () => {
  describeAttempts({
    title: "the person's things",
    people,
    house,
    names: people
      .slice(0, 1)
      .flatMap(attempts)
      .map(({ name }) => name),
    prepare: async (person) => {
      await furnish(person);
      // A first run leaves records to look for.
      await house.inside(person, [], ["true"]);
      return { attempts: attempts(person), how: { env: secrets } };
    },
  });

  test.for(people)("a variable that $name names is passed in, and only that", async (person) => {
    const show = ["bash", "-c", `env | grep -o '^[A-Z_]*=.*${mark}' | cut -d= -f1`];
    const how = { env: secrets };
    const { stdout } = await house.inside(person, ["-e", "GITHUB_TOKEN"], show, how);
    expect(stdout).toBe("GITHUB_TOKEN\n");
    const outside = await house.outside(person, show, how);
    expect(outside.stdout.trim().split("\n").sort()).toEqual([...secretNames].sort());
  });

  test.for(people)("/ and /dev hold what they must and no more, in a cell of $name", async (person) => {
    const look = [
      "bash",
      "-c",
      "cd /; echo *; cd /dev; echo *; cd /run; find . | sort; cd /sys; find . -maxdepth 3 | sort",
    ];
    const inside = (await house.inside(person, [], look)).stdout.split("\n");
    const names = (inside[0] ?? "").split(" ").filter((name) => !/^lib(32|64|x32)$/.test(name));
    expect(names.filter((name) => !rootNames.includes(name))).toEqual([]);
    expect((inside[1] ?? "").split(" ").filter((name) => name !== "console")).toEqual([
      "core",
      "fd",
      "full",
      "null",
      "ptmx",
      "pts",
      "random",
      "shm",
      "stderr",
      "stdin",
      "stdout",
      "tty",
      "urandom",
      "zero",
    ]);
    expect(inside.slice(2).filter(Boolean)).toEqual([
      ".",
      "./workcell",
      "./workcell/cellinit",
      ".",
      "./devices",
      "./devices/system",
      "./devices/system/cpu",
    ]);
    const outside = (await house.outside(person, look)).stdout.split("\n");
    expect(outside[0]?.split(" ").length).toBeGreaterThan(names.length);
    expect(outside.length).toBeGreaterThan(20);
  });

  test.for(people)("only the cell's own processes are to be seen by $name", async (person) => {
    const count = ["bash", "-c", "ls -d /proc/[0-9]* | wc -l"];
    // Five, and those of the pipeline.
    expect(Number((await house.inside(person, [], count)).stdout)).toBeLessThanOrEqual(8);
    expect(Number((await house.outside(person, count)).stdout)).toBeGreaterThan(10);
  });
});
