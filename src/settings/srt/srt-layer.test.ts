import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failureOf } from "../../../test/helpers/failure.ts";
import { tempFolder } from "../../../test/helpers/temp-folder.ts";
import { isSrtFile } from "./schema.ts";
import { srtLayer } from "./srt-layer.ts";

const file = "/etc/srt.json";
const from = (key: string) => `settings ${file}: ${key}`;

interface Content {
  readonly network?: object;
  readonly filesystem?: object;
  readonly rest?: object;
}

const content = ({ network, filesystem, rest }: Content = {}) => ({
  network: { allowedDomains: [], deniedDomains: [], ...network },
  filesystem: { denyRead: [], allowWrite: [], denyWrite: [], ...filesystem },
  ...rest,
});

/** A home with a project in it, which is the working directory. */
function place() {
  const folder = tempFolder();
  const home = path.join(folder, "home");
  const cwd = path.join(home, "project");
  for (const name of ["src", "private/open", ".git"]) mkdirSync(path.join(cwd, name), { recursive: true });
  mkdirSync(path.join(folder, "data"));
  writeFileSync(path.join(cwd, "notes"), "");
  return { folder, home, cwd, file, env: {} };
}

const layer = (given: Content, at = place()) => srtLayer(content(given), at);
const mountsOf = (given: Content, at = place()) =>
  (layer(given, at).mounts ?? []).map(({ value }) => [path.relative(at.folder, value.source), value.mode]);

test.each([
  [{ network: { allowedDomains: [] } }, true],
  [{ network: { deniedDomains: [] } }, true],
  [{ filesystem: {} }, true],
  [{ network: { allow: [] }, mounts: [] }, false],
  [{}, false],
  [[], false],
  [null, false],
])("isSrtFile(%j) is %s", (given, expected) => {
  expect(isSrtFile(given)).toBe(expected);
});

test("srtLayer() reads hosts with their keys, and refuses UNIX sockets unless they are allowed", () => {
  const network = {
    allowedDomains: ["a.example:443", "*.b.example"],
    deniedDomains: ["*:22"],
    deniedResolvedAddresses: ["10.0.0.0/8"],
  };
  const { allowHosts, denyHosts, refuseUnixSockets } = layer({ network });
  expect({ allowHosts, denyHosts, refuseUnixSockets }).toEqual({
    allowHosts: [
      { value: "a.example:443", origin: from("network.allowedDomains[0]") },
      { value: "*.b.example", origin: from("network.allowedDomains[1]") },
    ],
    denyHosts: [
      { value: "*:22", origin: from("network.deniedDomains[0]") },
      { value: "10.0.0.0/8", origin: from("network.deniedResolvedAddresses[0]") },
    ],
    refuseUnixSockets: { value: true, origin: from("network.allowAllUnixSockets") },
  });
  expect(layer({ network: { allowAllUnixSockets: true } }).refuseUnixSockets).toBeUndefined();
});

test.each([
  ["httpProxyPort", 8080],
  ["socksProxyPort", 1080],
  ["mitmProxy", { socketPath: "/s", domains: ["a.example"] }],
  ["filterRequest", "x"],
  ["stripResponseHeaders", ["set-cookie"]],
  ["refuseOpaqueTunnels", true],
  ["requireHostMatch", true],
  ["tlsTerminate", {}],
])("srtLayer() refuses network.%s, without which the settings would allow more", async (key, value) => {
  const { code, message } = await failureOf(() => layer({ network: { [key]: value } }));
  expect([code, message]).toEqual([
    "WC_SETTINGS",
    expect.stringContaining(`"network.${key}" (${from(`network.${key}`)}): Workcell has nothing like it`),
  ]);
});

test("srtLayer() takes the machine's own proxy, and no other", async () => {
  const network = { parentProxy: { http: "http://proxy.example:3128" } };
  const env = { http_proxy: "http://proxy.example:3128", HTTPS_PROXY: "http://proxy.example:3128" };
  expect(layer({ network }, { ...place(), env }).allowHosts).toEqual([]);
  expect((await failureOf(() => layer({ network }))).remedy).toBe(
    "Start it with the same proxy: http_proxy='http://proxy.example:3128' https_proxy='http://proxy.example:3128' workcell run ...",
  );
});

test("srtLayer() refuses what sandbox-runtime refuses: a missing list, a top-level domain, a key that is none", async () => {
  expect((await failureOf(() => srtLayer({ network: { allowedDomains: [] } }, place()))).code).toBe(
    "WC_SETTINGS",
  );
  expect((await failureOf(() => layer({ network: { allowedDomains: ["*.com"] } }))).message).toMatch(
    /"\*\.com" .*whole top-level domain/,
  );
  const { message } = await failureOf(() => layer({ filesystem: { denyReads: [] } }));
  expect(message).toBe(
    `Cannot use the setting "filesystem.denyReads" (settings ${file}): there is no such setting; the nearest is "filesystem.denyRead"`,
  );
  const { message: kind } = await failureOf(() => layer({ filesystem: { denyRead: [7] } }));
  expect(kind).toContain('it must be a path, or {"path": PATH, "literal": true}');
});

test.each<[string, Content["filesystem"], readonly (readonly string[])[]]>([
  ["the working directory read-only", {}, [["home/project", "ro"]]],
  ["one that may be written", { allowWrite: ["."] }, [["home/project", "rw"]]],
  [
    "a part of it",
    { allowWrite: ["./src/"] },
    [
      ["home/project", "ro"],
      ["home/project/src", "rw"],
    ],
  ],
  ["parts of what may be written once", { allowWrite: [".", "src", "src/**"] }, [["home/project", "rw"]]],
  [
    "folders elsewhere",
    { allowRead: ["../../data"] },
    [
      ["home/project", "ro"],
      ["data", "ro"],
    ],
  ],
  [
    "~ as the home",
    { allowWrite: ["~/project/src"] },
    [
      ["home/project", "ro"],
      ["home/project/src", "rw"],
    ],
  ],
  [
    "no home as a whole, nor what is not there",
    { allowWrite: ["~", "/", "nope", "*.js"] },
    [["home/project", "ro"]],
  ],
  ["nothing that is denied", { denyRead: ["~"] }, []],
  ["what is allowed in what is denied", { denyRead: ["~"], allowRead: ["."] }, [["home/project", "ro"]]],
  [
    "what may be written in what is hidden in it",
    { allowWrite: [".", "private/open"], denyRead: ["private"] },
    [
      ["home/project", "rw"],
      ["home/project/private/open", "rw"],
    ],
  ],
  [
    "the working directory for writing where nothing is enforced",
    { disabled: true },
    [["home/project", "rw"]],
  ],
])("srtLayer() connects %s", (_, filesystem, expected) => {
  expect(mountsOf({ filesystem: filesystem ?? {} })).toEqual(expected);
});

test("srtLayer() starts in the working directory where that lies in a folder", () => {
  const at = place();
  const { workdir } = layer({ filesystem: { allowWrite: [at.folder] } }, { ...at, home: "/home/ann" });
  expect(workdir).toEqual({ value: at.cwd, origin: from("filesystem") });
  expect(layer({}, at).workdir).toBeUndefined();
});

test("srtLayer() makes rules of paths: links resolved, patterns kept, literals taken by their name", () => {
  const at = place();
  symlinkSync("private", path.join(at.cwd, "link"));
  const filesystem = {
    denyRead: ["link", "**/.env", { path: "*", literal: true }],
    allowRead: ["private/open"],
    denyWrite: ["notes", "absent"],
  };
  const inCwd = (name: string) => path.join(at.cwd, name);
  expect(layer({ filesystem }, at).pathRules).toEqual([
    { value: { effect: "hide", path: inCwd("private") }, origin: from("filesystem.denyRead[0]") },
    {
      value: { effect: "hide", path: inCwd("**/.env"), pattern: true },
      origin: from("filesystem.denyRead[1]"),
    },
    { value: { effect: "hide", path: inCwd("*") }, origin: from("filesystem.denyRead[2]") },
    { value: { effect: "show", path: inCwd("private/open") }, origin: from("filesystem.allowRead[0]") },
    { value: { effect: "freeze", path: inCwd("notes") }, origin: from("filesystem.denyWrite[0]") },
    { value: { effect: "freeze", path: inCwd("absent") }, origin: from("filesystem.denyWrite[1]") },
  ]);
});

test("srtLayer() freezes the protected names of every folder that may be written", () => {
  const at = place();
  const names = (filesystem: object) => {
    const given = { filesystem: { allowWrite: ["."], ...filesystem }, rest: { mandatoryDenySearchDepth: 5 } };
    const [rule] = layer(given, at).pathRules ?? [];
    return rule?.value;
  };
  const all = [
    ...[".gitconfig", ".gitmodules", ".bashrc", ".bash_profile", ".zshrc", ".zprofile", ".profile"],
    ...[".ripgreprc", ".mcp.json", ".vscode", ".idea", ".claude/commands", ".claude/agents"],
    ...[".git", ".git/hooks"],
  ];
  expect(names({})).toEqual({ effect: "freeze", path: at.cwd, names: [...all, ".git/config"], depth: 5 });
  expect(names({ allowGitConfig: true })).toEqual({ effect: "freeze", path: at.cwd, names: all, depth: 5 });
});

test("srtLayer() allows the git configuration of every folder that may be written, where it is asked to", () => {
  const at = place();
  const allowed = (filesystem: object) =>
    layer({ filesystem: { allowWrite: [".", "../../data"], ...filesystem } }, at).allowPaths;
  expect([allowed({}), allowed({ allowGitConfig: false })]).toEqual([undefined, undefined]);
  expect(allowed({ allowGitConfig: true, allowWrite: [] })).toBeUndefined();
  const origin = from("filesystem.allowGitConfig");
  expect(allowed({ allowGitConfig: true })).toEqual(
    [at.cwd, path.join(at.folder, "data")].map((root) => ({ value: `${root}/.git/config`, origin })),
  );
});

test("srtLayer() shows no credential in any form", () => {
  const credentials = {
    files: [{ path: "notes", mode: "mask", extract: "(x)" }],
    envVars: [{ name: "TOKEN", mode: "mask" }],
  };
  const at = place();
  const { pathRules, hiddenVariables } = layer({ rest: { credentials } }, at);
  expect({ pathRules, hiddenVariables }).toEqual({
    pathRules: [
      { value: { effect: "hide", path: path.join(at.cwd, "notes") }, origin: from("credentials.files[0]") },
    ],
    hiddenVariables: [{ value: "TOKEN", origin: from("credentials.envVars[0]") }],
  });
});

test("srtLayer() says what means something else here, key by key", () => {
  const keys = (given: Content, where = place()) =>
    (layer(given, where).differences ?? []).map(({ value }) => `${value.key}: ${value.is}`);
  const always = keys({});
  const at = place();
  writeFileSync(path.join(at.folder, "file"), "");
  const given = {
    network: { allowUnixSockets: ["/run/x"], allowAllUnixSockets: true },
    filesystem: { allowWrite: ["/tmp", "~", "nope", "a*b"], allowRead: ["notes", "../../file"] },
    rest: { ignoreViolations: {}, enableWeakerNestedSandbox: true, bwrapPath: "/bin/bwrap" },
  };
  const more = keys(given, at);
  expect(more.filter((line) => !always.includes(line))).toEqual([
    "network.allowUnixSockets: without effect",
    "network.allowAllUnixSockets: stricter",
    "ignoreViolations: another way",
    "enableWeakerNestedSandbox: stricter",
    "seccomp, bwrapPath, socatPath, javaAgentJarPath: another way",
    "filesystem.allowWrite[0]: another way",
    "filesystem.allowWrite[1]: stricter",
    "filesystem.allowWrite[2]: without effect",
    "filesystem.allowWrite[3]: without effect",
    "filesystem.allowRead[1]: stricter",
  ]);
});
