import { invalidValue } from "../invalid-value.ts";
import type { Layer } from "../layer.ts";
import type { SrtPlace } from "./place.ts";
import type { SrtFile } from "./schema.ts";

type Network = SrtFile["network"];
type From = (key: string) => string;

/** What would be weaker without: the key, what it asks for, and how to have it here. */
const impossible: readonly {
  readonly key: keyof Network;
  readonly isSet: (network: Network) => boolean;
  readonly what: string;
  readonly remedy: string;
}[] = [
  ...(["httpProxyPort", "socksProxyPort"] as const).map((key) => ({
    key,
    isSet: (network: Network) => network[key] !== undefined,
    what: "that proxy would decide what may be reached, and a cell's traffic goes through Workcell's own gate",
    remedy: "Remove it, and name the hosts in network.allowedDomains",
  })),
  {
    key: "mitmProxy",
    isSet: ({ mitmProxy }) => mitmProxy !== undefined,
    what: "some hosts would have to go through a proxy of yours, and the gate dials each host itself",
    remedy:
      "Remove it together with its hosts from network.allowedDomains, or start Workcell with https_proxy set",
  },
  {
    key: "filterRequest",
    isSet: ({ filterRequest }) => filterRequest !== undefined,
    what: "it is a program's function, which no settings file can hold",
    remedy: "Remove it, and name the hosts in network.allowedDomains",
  },
  {
    key: "stripResponseHeaders",
    isSet: ({ stripResponseHeaders = [] }) => stripResponseHeaders.length > 0,
    what: "headers would have to be taken out of answers, and the gate passes them on untouched",
    remedy: "Remove it if the command may see those headers",
  },
  {
    key: "refuseOpaqueTunnels",
    isSet: ({ refuseOpaqueTunnels }) => refuseOpaqueTunnels === true,
    what: "tunnels would have to be looked into, and the gate sees the host and port of one only",
    remedy: "Remove it if tunnels to the allowed hosts may carry anything",
  },
  {
    key: "requireHostMatch",
    isSet: ({ requireHostMatch }) => requireHostMatch === true,
    what: "the name within TLS would have to be compared, and the gate does not look into TLS",
    remedy: "Remove it if an allowed host may serve other names too",
  },
  {
    key: "tlsTerminate",
    isSet: ({ tlsTerminate }) => tlsTerminate !== undefined,
    what: "TLS would have to end at the gate, which does not look into it",
    remedy: "Remove it; masked credentials do not go into a cell here at all",
  },
];

function refuseImpossible(network: Network, from: From): void {
  const found = impossible.find(({ isSet }) => isSet(network));
  if (found === undefined) return;
  const key = `network.${found.key}`;
  throw invalidValue({
    what: "setting of sandbox-runtime",
    value: key,
    origin: from(key),
    problem: `Workcell has nothing like it, and without it the settings would allow more: ${found.what}`,
    remedy: found.remedy,
  });
}

const proxyOf = (env: SrtPlace["env"], name: string) => {
  const set = (variable: string) => (env[variable] === "" ? undefined : env[variable]);
  return set(name) ?? set(name.toUpperCase());
};

/** The machine's own proxy is what the gate goes through; another one would have to be set up for it. */
function refuseOtherProxy({ parentProxy }: Network, { env }: SrtPlace, from: From): void {
  if (parentProxy === undefined) return;
  const { http, https = http, noProxy } = parentProxy;
  const wanted = { http_proxy: http, https_proxy: https, no_proxy: noProxy };
  const missing = Object.entries(wanted).filter(
    ([name, value]) => value !== undefined && proxyOf(env, name) !== value,
  );
  const [first] = missing;
  if (first === undefined) return;
  throw invalidValue({
    what: "setting of sandbox-runtime",
    value: "network.parentProxy",
    origin: from("network.parentProxy"),
    problem: `Workcell takes the proxy on its way out from its environment, and ${first[0]} is not that one there`,
    remedy: `Start it with the same proxy: ${missing.map(([name, value]) => `${name}='${value}'`).join(" ")} workcell run ...`,
  });
}

/** `*.com` would be a whole top-level domain: refused there, and here. */
function refuseTooBroad(hosts: readonly string[], key: string, from: From): void {
  const at = hosts.findIndex((host) => /^\*\.[^.]*(:\d+)?$/.test(host));
  if (at < 0) return;
  throw invalidValue({
    what: "host pattern",
    value: hosts[at],
    origin: from(`network.${key}[${at}]`),
    problem: "it is a whole top-level domain, which sandbox-runtime refuses too",
    remedy: "Name the hosts, or a suffix such as *.example.com",
  });
}

/** The part of a layer that says what may be reached. Throws WC_SETTINGS for what cannot be had here. */
export function readNetworkOf({ network }: SrtFile, place: SrtPlace, from: From): Layer {
  refuseImpossible(network, from);
  refuseOtherProxy(network, place, from);
  refuseTooBroad(network.allowedDomains, "allowedDomains", from);
  refuseTooBroad(network.deniedDomains, "deniedDomains", from);
  const sourced = (key: "allowedDomains" | "deniedDomains" | "deniedResolvedAddresses") =>
    (network[key] ?? []).map((value, index) => ({ value, origin: from(`network.${key}[${index}]`) }));
  return {
    allowHosts: sourced("allowedDomains"),
    denyHosts: [...sourced("deniedDomains"), ...sourced("deniedResolvedAddresses")],
  };
}
