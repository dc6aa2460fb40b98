import type { CommandKit, HostFacts, PlannedVariable, Policy, Settings } from "../model/index.ts";

const HTTP = "http://localhost:3128";
const SOCKS = "socks5h://localhost:1080";
const SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Passed on from Workcell's own environment: language, terminal, time zone. Everything else stays outside. */
const passed = /^(LANG|LANGUAGE|LC_[A-Z]+|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|CLICOLOR|TZ)$/;

/** Variables that name a CA file or folder; the file is made visible in the cell where it is not. */
export const caVariables: readonly string[] = [
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"],
  ...["GIT_SSL_CAINFO", "PIP_CERT", "npm_config_cafile", "AWS_CA_BUNDLE", "NIX_SSL_CERT_FILE"],
  ...[
    "CARGO_HTTP_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
  ],
];

/** What curl, wget, git, npm, pip, apt, Go, gRPC, FTP clients, Docker, rsync, gcloud and ssh read. */
function proxyVariables({ settings, policy }: EnvironmentInput): Record<string, string> {
  const grpc = settings.profile.value === "cowork" ? SOCKS : HTTP;
  const both = { http_proxy: HTTP, https_proxy: HTTP, all_proxy: SOCKS, ftp_proxy: SOCKS, grpc_proxy: grpc };
  const local = ownLoopback(policy).join(",");
  return {
    ...both,
    ...Object.fromEntries(Object.entries(both).map(([name, value]) => [name.toUpperCase(), value])),
    no_proxy: local,
    NO_PROXY: local,
    RSYNC_PROXY: "localhost:3128",
    DOCKER_HTTP_PROXY: HTTP,
    DOCKER_HTTPS_PROXY: HTTP,
    CLOUDSDK_PROXY_TYPE: "http",
    CLOUDSDK_PROXY_ADDRESS: "localhost",
    CLOUDSDK_PROXY_PORT: "3128",
    GIT_SSH_COMMAND: "ssh -o ProxyCommand='socat - PROXY:localhost:%h:%p,proxyport=3128'",
    NODE_USE_ENV_PROXY: "1",
  };
}

/** The cell's own loopback needs no proxy, but for a name by which a rule lets the host's own loopback be reached. */
function ownLoopback({ network }: Policy): string[] {
  const asked = network.rules.filter(({ effect }) => effect === "allow").map(({ pattern }) => pattern);
  return ["localhost", "127.0.0.1", "::1"].filter(
    (name) =>
      !asked.some(
        (p) => (p.kind === "name" && p.host === name) || (p.kind === "address" && p.address === name),
      ),
  );
}

interface EnvironmentInput {
  readonly settings: Settings;
  readonly policy: Policy;
  readonly facts: HostFacts;
  readonly identity: { readonly user: string; readonly home: string };
  /** Folders outside the system whose programs are made visible; they come first on PATH. */
  readonly toolFolders: readonly string[];
  /** What the command brings; absent: nothing. */
  readonly kit?: CommandKit;
  /** Where a host path stands in the cell. */
  readonly inCell: (hostPath: string) => string;
}

function identityVariables(input: EnvironmentInput): Record<string, string> {
  const { facts, identity, toolFolders } = input;
  const own = [...toolFolders, ...(facts.homeTools?.path ?? [])];
  const visible = facts.path.filter(
    (folder) => /^\/(usr|bin|sbin|opt)(\/|$)/.test(folder) || own.includes(folder),
  );
  return {
    HOME: identity.home,
    USER: identity.user,
    LOGNAME: identity.user,
    SHELL: "/bin/bash",
    PATH: [...new Set([...toolFolders, ...visible, ...SYSTEM_PATH])].join(":"),
    TMPDIR: "/tmp",
    WORKCELL_SESSION: identity.user,
  };
}

function withOrigin(values: Readonly<Record<string, string>>, origin: string): PlannedVariable[] {
  return Object.entries(values).map(([name, value]) => ({ name, value, origin }));
}

function fromHost(input: EnvironmentInput): PlannedVariable[] {
  const { environment, caFiles } = input.facts;
  const hidden = input.settings.hiddenVariables?.map(({ value }) => value) ?? [];
  const plain = Object.entries(environment).filter(([name]) => passed.test(name) && !hidden.includes(name));
  const certificates = caVariables.flatMap((name) => {
    const file = environment[name];
    return file !== undefined && caFiles[file] !== undefined ? [[name, input.inCell(file)] as const] : [];
  });
  return withOrigin(Object.fromEntries([...plain, ...certificates]), "Workcell's own environment");
}

function fromPresets(input: EnvironmentInput): PlannedVariable[] {
  return input.facts.presets.flatMap(({ preset, found, environment }) => {
    if (!found) return [];
    const origin = `preset ${preset}, as the host's own ${preset} is configured`;
    const values = Object.entries(environment).map(([name, value]) => {
      return [name, caVariables.includes(name) ? input.inCell(value) : value];
    });
    const apt = preset === "apt" ? { APT_CONFIG: "/etc/workcell/apt.conf" } : {};
    return withOrigin({ ...Object.fromEntries(values), ...apt }, origin);
  });
}

/** Every variable of the command, each name once; what the person set is stronger than what Workcell sets. */
export function planEnvironment(input: EnvironmentInput): PlannedVariable[] {
  const { environment, hiddenVariables = [] } = input.settings;
  const asked = environment.flatMap(({ value: { name, value }, origin }) => {
    const isHidden = hiddenVariables.some((hidden) => hidden.value === name);
    const text = value ?? (isHidden ? undefined : input.facts.environment[name]);
    return text === undefined ? [] : [{ name, value: text, origin }];
  });
  const all = [
    ...fromHost(input),
    ...withOrigin(identityVariables(input), "the session"),
    ...withOrigin(input.facts.homeTools?.environment ?? {}, "your own tools on PATH"),
    ...withOrigin(proxyVariables(input), "the tunnel"),
    ...fromPresets(input),
    ...withOrigin(input.kit?.environment ?? {}, input.kit?.origin ?? ""),
    ...asked,
  ];
  return [...new Map(all.map((variable) => [variable.name, variable])).values()];
}
