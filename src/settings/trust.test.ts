import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import { tempFolder } from "../../test/helpers/temp-folder.ts";
import { describeFolderFile } from "./describe-layer.ts";
import { type FolderFile, findFolderFile } from "./folder-file.ts";
import { readSettings } from "./read-settings.ts";
import { agreeTo, listAgreements, readTrust, revokeAgreement } from "./trust.ts";

const now = new Date("2026-01-02T03:04:05.678Z");

/** A home, and a folder with a settings file of its own. */
function house(content: unknown = { workdir: "/from-folder" }) {
  const root = tempFolder();
  const [home, cwd] = [path.join(root, "home"), path.join(root, "work")];
  for (const folder of [home, cwd]) mkdirSync(folder);
  const file = path.join(cwd, ".workcell.json");
  const write = (value: unknown) => writeFileSync(file, JSON.stringify(value));
  write(content);
  const place = { env: {}, home };
  const flags = { allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] };
  return {
    root,
    home,
    cwd,
    file,
    place,
    write,
    trustFile: path.join(home, ".local/state/workcell/trust.json"),
    found(): FolderFile {
      const found = findFolderFile(cwd);
      if (found.status !== "found") throw new TypeError(found.status);
      return found;
    },
    async read() {
      const { settings, notices } = await readSettings({ flags, env: {}, cwd, home });
      return { workdir: settings.workdir, notices };
    },
  };
}

const unused = {
  workdir: undefined,
  notices: [".workcell.json of this folder is not used: run workcell trust to see it and agree"],
};
const changed = {
  workdir: undefined,
  notices: [
    ".workcell.json of this folder is not used: it has changed since you agreed to it; run workcell trust to see it and agree",
  ],
};

test("a folder's file counts once the person has agreed to it, and with its place as origin", async () => {
  const { file, place, found, read } = house();
  expect(await read()).toEqual(unused);
  await agreeTo(place, found(), now);
  expect(await read()).toEqual({
    workdir: { value: "/from-folder", origin: `settings ${file}: workdir` },
    notices: [],
  });
});

test("a folder's file counts no more once one byte of it has changed, and again when that is taken back", async () => {
  const { file, place, found, read } = house();
  await agreeTo(place, found(), now);
  const agreed = readFileSync(file);
  writeFileSync(file, `${agreed} `);
  expect(await read()).toEqual(changed);
  writeFileSync(file, agreed);
  expect((await read()).workdir?.value).toBe("/from-folder");
});

test("what is agreed to are the bytes that were read, whatever the file holds by then", async () => {
  const { place, found, read, write } = house();
  const seen = found();
  write({ workdir: "/another" });
  await agreeTo(place, seen, now);
  expect(await read()).toEqual(changed);
});

test("the same content in another folder is not agreed to", async () => {
  const { cwd, file, root, place, found, home } = house();
  await agreeTo(place, found(), now);
  const other = path.join(root, "other");
  mkdirSync(other);
  writeFileSync(path.join(other, ".workcell.json"), readFileSync(file));
  const copy = findFolderFile(other);
  expect(copy.status === "found" && (await readTrust({ env: {}, home }, copy))).toBe("never");
  expect(await readTrust(place, { ...found(), folder: cwd })).toBe("agreed");
});

test("a folder is known by its real path, whichever way it is reached", async () => {
  const { cwd, root, place, found } = house();
  await agreeTo(place, found(), now);
  const link = path.join(root, "link");
  symlinkSync(cwd, link);
  const reached = findFolderFile(link);
  expect(reached.status === "found" && (await readTrust(place, reached))).toBe("agreed");
});

test("an agreement is taken back", async () => {
  const { cwd, place, found, read } = house();
  await agreeTo(place, found(), now);
  expect([
    await revokeAgreement(place, { folder: cwd }),
    await revokeAgreement(place, { folder: cwd }),
  ]).toEqual([true, false]);
  expect(await read()).toEqual(unused);
});

test("an agreement about an agent's configuration is another one, for that agent alone", async () => {
  const { cwd, place, found, read } = house();
  const bytes = Buffer.from("its configuration");
  const [one, other] = ["one", "other"].map((agent) => ({ folder: cwd, agent, bytes }));
  if (one === undefined || other === undefined) throw new TypeError("two agents are needed");
  await agreeTo(place, one, now);
  expect(await read()).toEqual(unused);
  expect([await readTrust(place, one), await readTrust(place, other)]).toEqual(["agreed", "never"]);
  expect(await readTrust(place, { ...one, bytes: Buffer.from("another") })).toBe("changed");
  await agreeTo(place, found(), now);
  expect(await listAgreements(place)).toMatchObject([{ agent: "one" }, { folder: cwd }]);
  expect([await revokeAgreement(place, { folder: cwd }), await readTrust(place, one)]).toEqual([
    true,
    "agreed",
  ]);
});

test("agreements are kept one a folder, in a file for this user alone", async () => {
  const { cwd, place, found, trustFile, write } = house();
  await agreeTo(place, found(), now);
  write({});
  await agreeTo(place, found(), now);
  expect(await listAgreements(place)).toEqual([
    {
      folder: cwd,
      // printf '{}' | sha256sum
      sha256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
      agreed: "2026-01-02T03:04:05.678Z",
    },
  ]);
  expect((statSync(trustFile).mode & 0o777).toString(8)).toBe("600");
});

test.each([
  ["", "it is not in the form that Workcell writes"],
  ["{}", "it is not in the form that Workcell writes"],
  [
    '{"schema":"workcell.trust/1","agreements":[{"folder":"/","sha256":"","agreed":""}]}',
    "it is not in the form that Workcell writes",
  ],
])("a damaged trust.json (%j) stops the run, and agrees to nothing", async (text, problem) => {
  const { trustFile, read } = house();
  mkdirSync(path.dirname(trustFile), { recursive: true });
  writeFileSync(trustFile, text);
  expect(await failureOf(read)).toEqual({
    code: "WC_TRUST",
    message: `Cannot read what was agreed to, "${trustFile}": ${problem}`,
    remedy: `Take "${trustFile}" away, then run workcell trust in each folder again`,
  });
});

test("a trust.json that others may write agrees to nothing", async () => {
  const { trustFile, place, found, read } = house();
  await agreeTo(place, found(), now);
  chmodSync(trustFile, 0o666);
  expect(await failureOf(read)).toEqual({
    code: "WC_TRUST",
    message: `Cannot read what was agreed to, "${trustFile}": others than its owner may write to it`,
    remedy: `Take "${trustFile}" away, then run workcell trust in each folder again`,
  });
});

test("a linked, large or odd .workcell.json is never used, agreed to or not", async () => {
  const { root, file, place, found, read } = house();
  await agreeTo(place, found(), now);
  const target = path.join(root, "target");
  writeFileSync(target, readFileSync(file));
  rmSync(file);
  symlinkSync(target, file);
  const refused = (problem: string) => ({
    workdir: undefined,
    notices: [`.workcell.json of this folder is not used: ${problem}`],
  });
  expect(await read()).toEqual(refused("it is a symbolic link"));
  rmSync(file);
  mkdirSync(file);
  expect(await read()).toEqual(refused("it is larger than 1 MiB, or no plain file"));
  rmSync(file, { recursive: true });
  writeFileSync(file, `{}${" ".repeat(1024 * 1024)}`);
  expect(await read()).toEqual(refused("it is larger than 1 MiB, or no plain file"));
});

test("a folder's file may set limits, and may never do without one, though it was agreed to", async () => {
  const bounded = house({ memory: "512M" });
  await agreeTo(bounded.place, bounded.found(), now);
  expect(await bounded.read()).toMatchObject({ notices: [] });
  const { file, place, found, read } = house({ waive: ["disk"] });
  await agreeTo(place, found(), now);
  expect(await failureOf(read)).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the waiver "disk" (settings ${file}: waive): a folder's own file may never do without a limit`,
    remedy: "Set waive in your own settings.json, or with --waive",
  });
});

test("a folder's file may never set the uid range, though it was agreed to", async () => {
  const { file, place, found, read } = house({ uidRange: { first: 5000, last: 6000 } });
  await agreeTo(place, found(), now);
  expect(await failureOf(read)).toEqual({
    code: "WC_SETTINGS",
    message: `Cannot use the uid range "5000-6000" (settings ${file}: uidRange): a folder's own file may never set it`,
    remedy: "Set uidRange in your own settings.json, or with --uid-range",
  });
});

test.each(["../outside:ro", "/etc:ro", "link:rw", "link/deep:rw", "..:rw"])(
  "a folder's file may not connect %s",
  async (mount) => {
    const { root, cwd, file, place, found, read } = house({ mounts: [mount] });
    mkdirSync(path.join(root, "outside/deep"), { recursive: true });
    symlinkSync("../outside", path.join(cwd, "link"));
    await agreeTo(place, found(), now);
    const { message } = await failureOf(read);
    expect(message).toContain(`(settings ${file}: mounts[0]): it lies at "`);
    expect(message).toMatch(/outside the folder; a folder's own file may connect only what is in it$/);
  },
);

test("a folder's file connects what is in the folder, and says so to whoever connects it", async () => {
  const { cwd, home, place, found } = house({ mounts: [".:ro", "sub:rw"] });
  mkdirSync(path.join(cwd, "sub"));
  await agreeTo(place, found(), now);
  const flags = { allowHosts: [], denyHosts: [], presets: [], mounts: [], environment: [] };
  const { settings } = await readSettings({ flags, env: {}, cwd, home });
  expect(settings.mounts.map(({ value }) => value)).toEqual([
    { source: cwd, mode: "ro", within: cwd },
    { source: path.join(cwd, "sub"), mode: "rw", within: cwd },
  ]);
});

test("describeFolderFile() says what a file would do, what matters most first", async () => {
  const { cwd, found } = house({
    profile: "cowork",
    ...{ timeout: "90s", idle: "2h", memory: "2G", disk: "100M", output: "100", cpus: 0.5 },
    mounts: ["sub:rw"],
    environment: { TOKEN: true, A: "1" },
    network: { allow: ["a.example", "b.example"], deny: ["c.example"], presets: ["npm"] },
  });
  expect(await describeFolderFile(found())).toEqual([
    "let connections through to: a.example, b.example",
    "allow what the host is set up for: npm",
    "pass in the host's variables: TOKEN",
    `connect a folder (rw): ${path.join(cwd, "sub")}`,
    "set variables: A",
    "refuse connections to: c.example",
    "use the profile: cowork",
    "end the command after: 90 s",
    "limit CPUs to: 0.5",
    "limit memory to: 2 GiB",
    "limit the disk to: 100 MiB",
    "end the command after output of: 100 bytes",
    "end the command when idle for: 2 h",
  ]);
});

test("describeFolderFile() says which protection a file of sandbox-runtime's lifts", async () => {
  const filesystem = { denyRead: [], allowWrite: ["."], denyWrite: [], allowGitConfig: true };
  const network = { allowedDomains: ["a.example"], deniedDomains: [] };
  const { cwd, found, write } = house({ network, filesystem });
  const lifted = `let commands write to what is protected: ${path.join(cwd, ".git/config")}`;
  expect(await describeFolderFile(found())).toContain(lifted);
  write({ network, filesystem: { ...filesystem, allowGitConfig: false } });
  expect(await describeFolderFile(found())).not.toContain(lifted);
});
