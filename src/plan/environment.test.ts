import { expect, test } from "vitest";
import { facts, from, settings } from "../../test/helpers/plan-input.ts";
import type { HostFacts, HostRule, Settings } from "../model/index.ts";
import { planEnvironment } from "./environment.ts";

const identity = { user: "calm-curie", home: "/sessions/calm-curie" };

interface Changes {
  readonly settings?: Partial<Settings>;
  readonly facts?: Partial<HostFacts>;
  readonly toolFolders?: readonly string[];
  readonly rules?: readonly HostRule[];
}

function plan({ settings: set, facts: found, toolFolders = [], rules = [] }: Changes = {}) {
  const inCell = (file: string) => `/cell${file}`;
  return planEnvironment({
    policy: { network: { rules }, folders: [] },
    settings: { ...settings, ...set },
    facts: { ...facts, ...found },
    identity,
    toolFolders,
    inCell,
  });
}

const valuesOf = (changes: Changes) =>
  Object.fromEntries(plan(changes).map(({ name, value }) => [name, value]));

test("planEnvironment() passes on language, terminal and time zone, and nothing else of the host's", () => {
  const environment = {
    ...{ LANG: "de_DE.UTF-8", LC_TIME: "C", TERM: "xterm", TZ: "UTC", NO_COLOR: "1", LANGUAGE: "de" },
    ...{ SECRET_TOKEN: "s", LD_PRELOAD: "/x.so", LC_: "x", XTERM: "x", HOME: "/home/ann", USER: "ann" },
    ...{ http_proxy: "http://ann:pass@proxy.example:8080", SSH_AUTH_SOCK: "/run/agent" },
  };
  const fromHost = plan({ facts: { environment } }).filter(
    ({ origin }) => origin === "Workcell's own environment",
  );
  expect(fromHost.map(({ name, value }) => `${name}=${value}`)).toEqual([
    ...["LANG=de_DE.UTF-8", "LC_TIME=C", "TERM=xterm", "TZ=UTC", "NO_COLOR=1", "LANGUAGE=de"],
  ]);
  const all = plan({ facts: { environment } }).map(({ value }) => value);
  expect(all.filter((value) => /pass|agent|\/home\/ann/.test(value))).toEqual([]);
});

test("planEnvironment() lets the person's word beat a preset's, a preset's the tunnel's, each with its origin", () => {
  const presets = [
    {
      preset: "npm",
      found: true,
      hosts: [],
      environment: { npm_config_registry: "http://a.example/", NO_PROXY: "a.example" },
    },
    { preset: "pip", found: false, hosts: [], environment: { PIP_NO_INDEX: "1" } },
  ] as const;
  const environment = [
    from({ name: "npm_config_registry", value: "http://b.example/" }, "flag --env"),
    from({ name: "HOME", value: "/tmp" }, "settings"),
    from({ name: "EMPTY", value: "" }, "flag --env"),
    from({ name: "SECRET" }, "flag --env"),
    from({ name: "UNSET" }, "flag --env"),
  ];
  const planned = plan({ settings: { environment }, facts: { presets } });
  const asked = ["npm_config_registry", "HOME", "EMPTY", "SECRET", "UNSET", "NO_PROXY", "PIP_NO_INDEX"];
  expect(planned.filter(({ name }) => asked.includes(name))).toEqual([
    { name: "HOME", value: "/tmp", origin: "settings" },
    {
      name: "NO_PROXY",
      value: "a.example",
      origin: "preset npm, as the host's own npm is configured",
    },
    { name: "npm_config_registry", value: "http://b.example/", origin: "flag --env" },
    { name: "EMPTY", value: "", origin: "flag --env" },
    { name: "SECRET", value: "s", origin: "flag --env" },
  ]);
  expect(new Set(planned.map(({ name }) => name)).size).toBe(planned.length);
});

test("planEnvironment() puts on PATH what the cell can see, tools first, each folder once", () => {
  const path = ["/home/ann/bin", "/usr/bin", "/opt/go/bin", "/usr2/bin", "/nvm/bin", "/snap/bin"];
  expect(valuesOf({ facts: { path }, toolFolders: ["/nvm/bin"] })["PATH"]).toBe(
    "/nvm/bin:/usr/bin:/opt/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin",
  );
});

test("planEnvironment() names CA files as the cell sees them, the host's only where they exist", () => {
  const changes = {
    environment: { SSL_CERT_FILE: "/ca.pem", CURL_CA_BUNDLE: "/gone.pem" },
    caFiles: { "/ca.pem": "/real.pem" },
    presets: [{ preset: "git", found: true, hosts: [], environment: { GIT_SSL_CAINFO: "/git.pem" } }],
  } as const;
  const { SSL_CERT_FILE, CURL_CA_BUNDLE, GIT_SSL_CAINFO } = valuesOf({ facts: changes });
  expect({ SSL_CERT_FILE, CURL_CA_BUNDLE, GIT_SSL_CAINFO }).toEqual({
    SSL_CERT_FILE: "/cell/ca.pem",
    GIT_SSL_CAINFO: "/cell/git.pem",
  });
});

test("planEnvironment() sends gRPC through SOCKS in the reference, and through HTTP elsewhere", () => {
  const grpc = (changes: Changes) => {
    const { grpc_proxy, GRPC_PROXY, ftp_proxy } = valuesOf(changes);
    return [grpc_proxy, GRPC_PROXY, ftp_proxy];
  };
  const [http, socks] = ["http://localhost:3128", "socks5h://localhost:1080"];
  expect(grpc({})).toEqual([socks, socks, socks]);
  expect(grpc({ settings: { profile: from("standard") } })).toEqual([http, http, socks]);
});

test("planEnvironment() sends a loopback name through the gate where a rule lets the host's own be reached", () => {
  const pattern = { kind: "address", address: "127.0.0.1", port: 4873, text: "127.0.0.1:4873" } as const;
  const rule: HostRule = { effect: "allow", pattern, origin: "preset npm", named: true };
  expect(valuesOf({})["no_proxy"]).toBe("localhost,127.0.0.1,::1");
  expect(valuesOf({ rules: [rule] })["no_proxy"]).toBe("localhost,::1");
  expect(valuesOf({ rules: [{ ...rule, effect: "deny" }] })["no_proxy"]).toBe("localhost,127.0.0.1,::1");
});

test("planEnvironment() leaves out the host's variables that are hidden, asked for or not; a value of one's own stays", () => {
  const environment = { TZ: "UTC", LANG: "C", TOKEN: "s", OWN: "s" };
  const asked = [from({ name: "TOKEN" }), from({ name: "OWN", value: "mine" })];
  const hiddenVariables = [from("TZ"), from("TOKEN"), from("OWN")];
  const values = valuesOf({ settings: { environment: asked, hiddenVariables }, facts: { environment } });
  expect([values["TZ"], values["LANG"], values["TOKEN"], values["OWN"]]).toEqual([
    undefined,
    "C",
    undefined,
    "mine",
  ]);
});
