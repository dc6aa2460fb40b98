import { expect, test } from "vitest";
import { from, mount, planInput } from "../../test/helpers/plan-input.ts";
import type { Plan, PresetFacts } from "../model/index.ts";
import { buildPlan } from "./build-plan.ts";
import { tunnelScript } from "./tunnel-script.ts";

/** The whole plan, with its two long texts named: they have tests of their own. */
function readable(plan: Plan): string {
  const { argv, filters, descriptors, ...rest } = plan;
  const whole = {
    ...rest,
    argv: argv.map((word) => (word === tunnelScript ? "(the tunnel's script)" : word)),
    filters: filters.map(({ name }) => name),
    descriptors: descriptors.map(({ content, ...one }) => ({ ...one, hasContent: content !== undefined })),
  };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}

const mounts = [mount("/srv/job"), mount("/home/ann/data", "ro", "input")];
const apt: PresetFacts = { preset: "apt", found: true, hosts: ["deb.example"], environment: {} };

test.each([
  ["cowork-user", planInput({ settings: { mounts } })],
  ["cowork-root", planInput({ settings: { mounts }, uid: 1_900_000_007 })],
  ["standard-user", planInput({ settings: { mounts, profile: from("standard"), timeoutMs: from(2000) } })],
  [
    "standard-root",
    planInput({
      settings: { mounts, profile: from("standard"), presets: [from("apt")], workdir: from("deep") },
      facts: { presets: [apt] },
      uid: 1_900_000_007,
    }),
  ],
])("buildPlan() says the whole of a cell: %s", async (name, input) => {
  await expect(readable(buildPlan(input))).toMatchFileSnapshot(`fixtures/plan-${name}.json`);
});

test("buildPlan() gives both filters' programs to the descriptors that bwrap reads", () => {
  const { descriptors, filters } = buildPlan(planInput());
  expect(descriptors).toEqual([
    { fd: 3, name: "channel" },
    { fd: 4, name: "filter-1", content: filters[0]?.program },
    { fd: 5, name: "filter-2", content: filters[1]?.program },
    { fd: 6, name: "stderr" },
  ]);
});

test("buildPlan() is the same for the same input, and its uid inside for the same name", () => {
  const [one, two] = [buildPlan(planInput()), buildPlan(planInput())];
  expect(one).toEqual(two);
  const other = planInput();
  const plan = buildPlan({ ...other, session: { ...other.session, name: "other" } });
  expect(plan.identity).not.toEqual(one.identity);
  expect(plan.identity.uid).toBeGreaterThanOrEqual(10_000);
  expect(plan.identity.uid).toBeLessThan(60_000);
});

const targets = (plan: Plan) => plan.mounts.map(({ target }) => target);

test("buildPlan() covers the kernel's knobs after /proc, and makes / read-only last", () => {
  const places = targets(buildPlan(planInput({ settings: { mounts } })));
  expect(places.filter((place) => place.startsWith("/proc"))).toEqual([
    "/proc",
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/meminfo",
  ]);
  expect(places.at(-1)).toBe("/");
  expect(places.indexOf("/dev/shm")).toBeGreaterThan(places.indexOf("/dev"));
});

test("buildPlan() shows of /etc what is on its list, and nothing that holds secrets", () => {
  const { mounts: made } = buildPlan(planInput());
  const shown = made.filter(({ source }) => source?.startsWith("/etc/")).map(({ source }) => source);
  expect(shown).toEqual(["/etc/ld.so.cache", "/etc/ssl"]);
  expect(made.find(({ target }) => target === "/etc/localtime")).toMatchObject({
    kind: "symlink",
    source: "/usr/share/zoneinfo/Etc/UTC",
  });
});

test("buildPlan() shows a Node that stands outside the system with its modules, first on PATH", () => {
  const node = { path: "/usr/local/bin/node", realPath: "/home/ann/.nvm/v20/bin/node" };
  const nodeFolders = ["/home/ann/.nvm/v20/bin", "/home/ann/.nvm/v20/lib/node_modules"];
  const input = planInput({ facts: { node, nodeFolders }, uid: 1_900_000_007 });
  const plan = buildPlan(input);
  const tools = plan.mounts.filter(({ target }) => target.startsWith("/home/ann/.nvm"));
  expect(tools.map(({ kind, target, source }) => [kind, target, source])).toEqual(
    ["/home/ann/.nvm/v20/bin", "/home/ann/.nvm/v20/lib/node_modules"].map((folder) => [
      "ro-bind",
      folder,
      folder,
    ]),
  );
  const path = plan.environment.find(({ name }) => name === "PATH")?.value;
  expect(path?.split(":")[0]).toBe("/home/ann/.nvm/v20/bin");
  // A dropped uid cannot walk a person's home, so cellhost mounts them too.
  const sources = plan.root?.mounts.map(({ source }) => source);
  expect(sources).toEqual(expect.arrayContaining(tools.map(({ target }) => target)));
});

test("buildPlan() makes CA files visible that a variable names, and only those hidden from the cell", () => {
  const environment = {
    SSL_CERT_FILE: "/home/ann/ca.pem",
    CURL_CA_BUNDLE: "/etc/ssl/certs/all.crt",
    PIP_CERT: "/home/ann/gone.pem",
    NODE_EXTRA_CA_CERTS: "/home/ann/ca.pem",
  };
  const caFiles = {
    "/home/ann/ca.pem": "/home/ann/real.pem",
    "/etc/ssl/certs/all.crt": "/etc/ssl/certs/all.crt",
    "/srv/git.pem": "/srv/git.pem",
  };
  const git: PresetFacts = {
    preset: "git",
    found: true,
    hosts: [],
    environment: { GIT_SSL_CAINFO: "/srv/git.pem" },
  };
  const plan = buildPlan(planInput({ facts: { environment, caFiles, presets: [git] } }));
  const files = plan.mounts.filter(({ target }) => target.startsWith("/etc/workcell/ca-"));
  expect(files).toEqual([
    {
      kind: "ro-bind",
      target: "/etc/workcell/ca-0.pem",
      source: "/home/ann/real.pem",
      reason: "CA file /home/ann/ca.pem",
    },
    {
      kind: "ro-bind",
      target: "/etc/workcell/ca-1.pem",
      source: "/srv/git.pem",
      reason: "CA file /srv/git.pem",
    },
  ]);
  const named = plan.environment.filter(({ value }) => /\.(pem|crt)$/.test(value));
  expect(named.map(({ name, value }) => [name, value])).toEqual([
    ["SSL_CERT_FILE", "/etc/workcell/ca-0.pem"],
    ["NODE_EXTRA_CA_CERTS", "/etc/workcell/ca-0.pem"],
    ["CURL_CA_BUNDLE", "/etc/ssl/certs/all.crt"],
    ["GIT_SSL_CAINFO", "/etc/workcell/ca-1.pem"],
  ]);
});

test("buildPlan() prepares apt only when the preset is there", () => {
  const plan = buildPlan(planInput({ facts: { presets: [apt] } }));
  const without = buildPlan(planInput({ facts: { presets: [{ ...apt, found: false }] } }));
  const added = (one: Plan) => ({
    files: one.files.map(({ path }) => path).filter((path) => path.includes("apt")),
    mounts: targets(one).filter((target) => /apt|dpkg/.test(target)),
    homeFolders: one.homeFolders,
    variables: one.environment.filter(({ name }) => name.startsWith("APT")),
  });
  expect(added(plan)).toEqual({
    files: ["etc/workcell/apt.conf"],
    mounts: ["/etc/workcell/apt.conf", "/var/lib/dpkg"],
    homeFolders: [".local/state/apt/lists/partial", ".cache/apt/archives/partial"],
    variables: [
      {
        name: "APT_CONFIG",
        value: "/etc/workcell/apt.conf",
        origin: "preset apt, as the host's own apt is configured",
      },
    ],
  });
  expect(added(without)).toEqual({ files: [], mounts: [], homeFolders: [], variables: [] });
});

test("buildPlan() shows what a command brings, last of all and read-only, with variables that the person's go before", () => {
  const file = { path: "/run/workcell/agent.js", source: "/srv/tool/agent.js", reason: "the agent" };
  const kit = { origin: "the agent", files: [file], environment: { URL: "http://model", MODE: "kit" } };
  const plan = buildPlan({
    ...planInput({ settings: { environment: [from({ name: "MODE", value: "mine" }, "flag --env")] } }),
    kit,
  });
  expect(plan.mounts.slice(-2)).toMatchObject([
    { kind: "ro-bind", target: file.path, source: file.source },
    { kind: "remount-ro" },
  ]);
  expect(plan.environment.filter(({ name }) => name === "URL" || name === "MODE")).toEqual([
    { name: "URL", value: "http://model", origin: "the agent" },
    { name: "MODE", value: "mine", origin: "flag --env" },
  ]);
});

test("buildPlan() leads a link of the command's to what stands in the cell, for root's cells too", () => {
  const place = { path: "/srv/tool", source: "/srv/tool", reason: "an agent" };
  const link = {
    path: "/run/workcell/agent",
    source: "/srv/tool/agent",
    isLink: true,
    reason: "an agent",
  } as const;
  const { argv } = buildPlan({
    ...planInput({ uid: 1_900_000_007 }),
    kit: { origin: "an agent", files: [place, link], environment: {} },
  });
  expect(argv.join(" ")).toContain("--symlink /srv/tool/agent /run/workcell/agent ");
});
