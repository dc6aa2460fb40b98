import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isRoot, lacking, type Person, persons, useHouse } from "../helpers/cell.ts";

const absent = lacking({});
const house = useHouse();
const mark = "reached through the gate";
const server = net.createServer((socket) => socket.on("error", () => {}).end(mark));
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as net.AddressInfo).port;
});
afterAll(() => server.close());

let made = 0;
const makeFolder = (person: Person) => {
  made += 1;
  return house.makeFolder(`folder-${made}`, person.uid);
};

const fileIn = (folder: string) => path.join(folder, ".workcell.json");

/** Everything that such a file could take: a way out, a folder, a variable of the host's. */
function settings(folder: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    network: { allow: [`127.0.0.1:${port}`] },
    mounts: [`${folder}:rw`],
    environment: { SECRET: true, SET: "by the folder" },
    ...more,
  });
}

function put(person: Person, file: string, text: string): void {
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode: 0o644 });
  if (isRoot) chownSync(file, person.uid, person.uid);
}

/** What of the folder's settings holds in a cell that is started in it. */
async function effects(person: Person, folder: string, flags: readonly string[] = []) {
  const script = `
    socat -u PROXY:localhost:127.0.0.1:${port},proxyport=3128 - 2>/dev/null
    printf ' %s %s ' "\${SECRET:-no-secret}" "\${SET:-not-set}"
    [ -e ${fileIn(folder)} ] && echo connected || echo not-connected`;
  const how = { cwd: folder, env: { SECRET: "host-secret" } };
  const { stdout, stderr, status } = await house.inside(person, flags, ["bash", "-c", script], how);
  return { found: stdout.trim(), stderr, status };
}

const nothing = "no-secret not-set not-connected";
const everything = `${mark} host-secret by the folder connected`;
const trust = (person: Person, folder: string) =>
  house.outside(person, [house.workcell, "trust", "--yes", folder], { cwd: folder });

describe.skipIf(absent.length > 0).each(persons)("P12: a folder's own settings, as $name", (person) => {
  test("count for nothing before the person agreed, and for all that they say after it (the control)", async () => {
    const folder = makeFolder(person);
    put(person, fileIn(folder), settings(folder));
    const before = await effects(person, folder);
    expect(before.found).toBe(nothing);
    expect(before.stderr).toContain(
      ".workcell.json of this folder is not used: run workcell trust to see it and agree",
    );
    expect((await trust(person, folder)).status).toBe(0);
    const after = await effects(person, folder);
    expect(after).toMatchObject({ found: everything, status: 0 });
  });

  test("count for nothing when a byte of them changes, until the bytes agreed to are back", async () => {
    const folder = makeFolder(person);
    put(person, fileIn(folder), settings(folder));
    await trust(person, folder);
    put(person, fileIn(folder), `${settings(folder)}\n`);
    const changed = await effects(person, folder);
    expect(changed.found).toBe(nothing);
    expect(changed.stderr).toContain("it has changed since you agreed to it");
    put(person, fileIn(folder), settings(folder));
    expect((await effects(person, folder)).found).toBe(everything);
  });

  test("are one folder's: the same content in another folder counts for nothing", async () => {
    const [folder, other] = [makeFolder(person), makeFolder(person)];
    for (const place of [folder, other]) put(person, fileIn(place), settings(folder));
    await trust(person, folder);
    expect((await effects(person, other)).found).toBe(nothing);
    expect((await effects(person, folder)).found).toBe(everything);
  });

  test("do not count through a link, whose content is somebody else's to change", async () => {
    const folder = makeFolder(person);
    put(person, path.join(folder, "elsewhere.json"), settings(folder));
    symlinkSync("elsewhere.json", fileIn(folder));
    expect((await trust(person, folder)).status).toBe(125);
    const found = await effects(person, folder);
    expect(found.found).toBe(nothing);
    expect(found.stderr).toContain("it is a symbolic link");
  });

  test("written by a command in its folder are not agreed to by that", async () => {
    const folder = makeFolder(person);
    const state = house.state(person);
    const write = [
      "bash",
      "-c",
      'printf %s "$NEW" >.workcell.json; mkdir -p "$STATE"; cp .workcell.json "$STATE/trust.json"; true',
    ];
    const flags = ["-m", `${folder}:rw`, "-e", `NEW=${settings(folder)}`, "-e", `STATE=${state}`];
    await house.inside(person, flags, write);
    expect(existsSync(fileIn(folder))).toBe(false);
    // A person who lets it stand has not agreed to what it says.
    await house.inside(person, [...flags, "--allow-path", fileIn(folder)], write);
    expect(readFileSync(fileIn(folder), "utf8")).toBe(settings(folder));
    expect((await effects(person, folder)).found).toBe(nothing);
    await trust(person, folder);
    expect((await effects(person, folder)).found).toBe(everything);
  });

  test("cannot be agreed to without a person: no terminal, no --yes", async () => {
    const folder = makeFolder(person);
    put(person, fileIn(folder), settings(folder));
    const ended = await house.outside(person, [house.workcell, "trust", folder]);
    expect(ended.status).toBe(125);
    expect((await effects(person, folder)).found).toBe(nothing);
  });

  test.each([
    ["another folder", (folder: string) => ({ mounts: [`${path.dirname(folder)}:rw`] })],
    ["a folder by a link", (folder: string) => ({ mounts: [`${folder}/link:rw`] })],
    ["the uids that root's sessions run as", () => ({ uidRange: { first: 1000, last: 2000 } })],
  ])("may never name %s, agreed to or not", async (_, more) => {
    const folder = makeFolder(person);
    symlinkSync(house.home(person), path.join(folder, "link"));
    put(person, fileIn(folder), settings(folder, more(folder)));
    const agreed = await trust(person, folder);
    expect(agreed.status).toBe(125);
    expect(agreed.stderr).toContain("a folder's own file may");
    expect((await effects(person, folder)).found).toBe(nothing);
    // Control: without that, the file can be agreed to.
    put(person, fileIn(folder), settings(folder));
    expect((await trust(person, folder)).status).toBe(0);
  });

  test("name a folder that has become a link since: the start is refused", async () => {
    const folder = makeFolder(person);
    const sub = path.join(folder, "sub");
    mkdirSync(sub);
    if (isRoot) chownSync(sub, person.uid, person.uid);
    put(person, fileIn(folder), settings(folder, { mounts: [`${sub}:rw`] }));
    await trust(person, folder);
    expect((await effects(person, folder)).status).toBe(0);
    rmdirSync(sub);
    symlinkSync(house.home(person), sub);
    const after = await effects(person, folder);
    expect(after).toMatchObject({ status: 125, found: "" });
    expect(after.stderr).toContain("outside the folder; a folder's own file may connect only what is in it");
  });
});
