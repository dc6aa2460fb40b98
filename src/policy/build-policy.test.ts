import { expect, test } from "vitest";
import { failureOf } from "../../test/helpers/failure.ts";
import type { HostFacts, PresetFacts, Settings } from "../model/index.ts";
import { buildNetworkPolicy, buildPolicy } from "./build-policy.ts";
import { mayConnect } from "./may-connect.ts";
import { mayDial } from "./may-dial.ts";

const from = <T>(value: T, origin = "built in") => ({ value, origin });

const settings: Settings = {
  profile: from("cowork"),
  tunnel: from("socat"),
  tier: from("process"),
  allowHosts: [from("a.example", "flag --allow-host")],
  denyHosts: [from("*.bad.example", "settings")],
  presets: [from("npm", "profile cowork"), from("git", "flag --preset"), from("pip", "profile cowork")],
  mounts: [from({ source: ".", mode: "rw" }, "flag --mount")],
  environment: [],
  uidRange: from({ first: 1, last: 2 }),
};

const presets: readonly PresetFacts[] = [
  { preset: "npm", found: true, hosts: ["registry.example:4873"], environment: {} },
  { preset: "git", found: true, hosts: ["git.example"], environment: {} },
  { preset: "pip", found: false, hosts: ["never.example"], environment: {} },
  { preset: "apt", found: true, hosts: ["unasked.example"], environment: {} },
];

test("buildNetworkPolicy() makes rules of flags and of the tools the host has, each with its origin", () => {
  const git = { kind: "name", host: "git.example", port: undefined, text: "git.example" };
  const named = { effect: "allow", pattern: git, origin: "flag --preset, preset git", named: true };
  expect(buildNetworkPolicy(settings, presets)).toEqual({
    rules: [
      {
        effect: "deny",
        pattern: { kind: "suffix", suffix: "bad.example", port: undefined, text: "*.bad.example" },
        origin: "settings",
        named: false,
      },
      {
        effect: "allow",
        pattern: { kind: "name", host: "a.example", port: undefined, text: "a.example" },
        origin: "flag --allow-host",
        named: false,
      },
      {
        effect: "allow",
        pattern: { kind: "name", host: "registry.example", port: 4873, text: "registry.example:4873" },
        origin: "profile cowork, preset npm",
        named: true,
        methods: ["GET", "HEAD"],
      },
      { ...named, methods: ["GET", "HEAD"] },
      { ...named, methods: ["POST"], paths: ["/git-upload-pack"] },
    ],
  });
});

const facts = (folders: HostFacts["folders"]) => ({ presets: [], folders }) as unknown as HostFacts;
const folder = (realPath: string) => ({ realPath, uid: 1, gid: 1, device: 1, inode: 1 });

test("buildPolicy() names a folder after its real path, unless it has a name", () => {
  expect(buildPolicy(settings, facts({ ".": folder("/srv/job") })).folders).toEqual([
    { source: "/srv/job", name: "job", mode: "rw", origin: "flag --mount" },
  ]);
});

test("buildPolicy() refuses a folder that was not found, and two folders of one name", () => {
  expect(() => buildPolicy(settings, facts({}))).toThrow(
    'Cannot connect "." (flag --mount): no such folder was found, and a folder is needed',
  );
  const two = {
    ...settings,
    mounts: [...settings.mounts, from({ source: "x", name: "job", mode: "ro" as const })],
  };
  expect(() => buildPolicy(two, facts({ ".": folder("/srv/job"), x: folder("/x") }))).toThrow(
    'Cannot connect "/x" (built in): the name "job" is taken by "/srv/job" (flag --mount), and each needs its own',
  );
});

test("buildNetworkPolicy() denies every host by *, at one port too, and blocks of addresses; it allows neither", async () => {
  const denied = ["*", "*:22", "10.0.0.0/8", "2001:db8::/32"];
  const { rules } = buildNetworkPolicy(
    { ...settings, presets: [], denyHosts: denied.map((v) => from(v)) },
    [],
  );
  const decide = (host: string, port: number, from: number) =>
    mayConnect({ rules: [...rules.slice(from, from + 1), ...rules.slice(-1)] }, { host, port }).rule;
  expect(decide("a.example", 443, 0)).toBe("deny *");
  expect([decide("a.example", 22, 1), decide("a.example", 443, 1)]).toEqual(["deny *:22", "a.example"]);
  const [, , block, six] = rules;
  const inBlock = (address: string) =>
    mayDial({ rules: rules.slice(2) }, { asked: { host: "a.example", port: 443 }, address, ownAddresses: [] })
      .rule;
  expect([block?.pattern.text, six?.pattern.text]).toEqual(["10.0.0.0/8", "2001:db8::/32"]);
  expect(inBlock("10.2.3.4")).toContain("deny 10.0.0.0/8");
  expect(inBlock("2001:db8::1")).toContain("deny 2001:db8::/32");
  expect(inBlock("93.184.216.34")).toBe("93.184.216.34 is public");
  for (const value of ["*", "10.0.0.0/8"]) {
    const allowing = { ...settings, presets: [], denyHosts: [], allowHosts: [from(value)] };
    expect((await failureOf(() => buildNetworkPolicy(allowing, []))).code).toBe("WC_HOST_PATTERN");
  }
});
