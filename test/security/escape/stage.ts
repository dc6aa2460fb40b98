import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { escapeAttempts } from "./attempts.ts";

/** The host as attempts find it: folders, canaries, secrets, and a process that holds some. */
export interface Stage {
  readonly folder: string;
  readonly work: string;
  readonly readOnly: string;
  /** The compiled attempts, where every place can run them. */
  readonly program: string;
  /** What only the host has. */
  readonly secret: string;
  /** Names and values that attempts are given. */
  readonly given: Readonly<Record<string, string>>;
  /** What whoever starts a sandbox has in his environment; it is not for the sandbox. */
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number | undefined;
  end(): Promise<void>;
}

export interface StageOptions {
  /** The compiled attempts. */
  readonly escapes: string;
  /** A folder of the person's that all may walk through. */
  readonly parent: string;
  /** The person, when it is not whoever runs this. */
  readonly uid?: number;
}

const secretVariables = [
  "AWS_SECRET_ACCESS_KEY",
  "SSH_AUTH_SOCK",
  "GIT_SSH_COMMAND",
  "PYTHONSTARTUP",
  "BASH_ENV",
  "ENV",
];

const addressOfHost = () =>
  Object.values(os.networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "192.0.2.1";

/** Writes what is to be there, for the person. */
function furnish(folder: string, uid: number | undefined, files: Readonly<Record<string, string>>): void {
  const own = (made: string) => uid !== undefined && chownSync(made, uid, uid);
  const makeFolder = (made: string): void => {
    if (made === folder) return;
    makeFolder(path.dirname(made));
    if (mkdirSync(made, { recursive: true }) !== undefined) own(made);
  };
  for (const [name, content] of Object.entries(files)) {
    const made = path.join(folder, name);
    makeFolder(path.dirname(made));
    writeFileSync(made, content);
    chmodSync(made, 0o644);
    own(made);
  }
}

const repository = "[core]\n\trepositoryformatversion = 0\n";

/** What the host has, by paths below the stage. */
function filesOf(secret: string): Readonly<Record<string, string>> {
  const canaries = escapeAttempts.filter(({ proof, canary }) => proof === "canary" && canary === undefined);
  return {
    "home/.ssh/id_ed25519": secret,
    "home/.bashrc": "# a person's own\n",
    "home/notes": "a person's own\n",
    "outside/hidden": secret,
    ...Object.fromEntries(canaries.map(({ id }) => [`outside/${id}`, "untouched\n"])),
    ...Object.fromEntries(["file", "removable", "old"].map((name) => [`read-only/${name}`, "untouched\n"])),
    "work/.git/config": repository,
    "work/.git/HEAD": "ref: refs/heads/main\n",
    "work/.git/hooks/pre-commit.sample": "#!/bin/sh\n",
    "work/.git/modules/sub/config": repository,
    "work/second/.git/config": repository,
  };
}

async function startVictim(
  program: string,
  given: Readonly<Record<string, string>>,
  uid: number | undefined,
) {
  const words = Object.entries(given).map(([name, value]) => `${name}=${value}`);
  const child = spawn(program, ["victim", ...words], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: "/usr/bin:/bin", SECRET: given["SECRET"] ?? "" },
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const [line] = (await once(child.stdout as NonNullable<ChildProcess["stdout"]>, "data")) as [Buffer];
  return { child, found: JSON.parse(line.toString()) as Record<string, string> };
}

/** Makes a stage that no attempt has touched. */
export async function makeStage({ escapes, parent, uid }: StageOptions): Promise<Stage> {
  const folder = mkdtempSync(path.join(parent, "stage-"));
  chmodSync(folder, 0o755);
  const mark = randomBytes(6).toString("hex");
  const secret = `secret-${randomBytes(16).toString("hex")}`;
  const work = path.join(folder, "work");
  const [temporary, sharedMemory] = [`/tmp/workcell-escape-${mark}`, `/dev/shm/workcell-escape-${mark}`];
  furnish(folder, uid, filesOf(secret));
  for (const file of [temporary, sharedMemory])
    furnish(path.dirname(file), uid, { [path.basename(file)]: secret });
  if (uid !== undefined) chownSync(folder, uid, uid);
  const program = path.join(folder, "read-only/escape");
  copyFileSync(escapes, program);
  chmodSync(program, 0o755);
  const places = {
    STAGE: folder,
    WORK: work,
    WORK_CANARY: path.join(work, "survived"),
    RO: path.join(folder, "read-only"),
    OUT: path.join(folder, "outside"),
    PERSON_HOME: path.join(folder, "home"),
    HIDDEN: path.join(folder, "outside/hidden"),
    TYPED: path.join(folder, "outside/typed"),
    SOCKET: path.join(folder, "outside/socket"),
    TMP_FILE: temporary,
    TMP_SOCKET: `${temporary}.sock`,
    SHM_FILE: sharedMemory,
    ABSTRACT: `@workcell-escape-${mark}`,
    QUEUE: `/workcell-escape-${mark}`,
    KEY: `${1 + (randomBytes(4).readUInt32LE() % 0x7fff_fff0)}`,
    ADDRESS_OF_HOST: addressOfHost(),
    // A folder of that name that a sandbox made has another number.
    ROOT_HOME: `${statSync("/root", { throwIfNoEntry: false })?.ino}`,
    LC_ALL: "C",
  };
  const victim = await startVictim(program, { ...places, SECRET: secret }, uid);
  return {
    ...{ folder, work, program, secret, uid },
    readOnly: places.RO,
    given: { ...places, ...victim.found },
    env: { HOME: places.PERSON_HOME, ...Object.fromEntries(secretVariables.map((name) => [name, secret])) },
    async end() {
      const closed = once(victim.child, "close");
      victim.child.stdin?.end();
      await closed;
      for (const left of [temporary, `${temporary}.sock`, sharedMemory]) rmSync(left, { force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
