import { type Address, inBlock, parseAddressBlock } from "./address.ts";

/** What an address is for. Everything but `public` is refused unless a rule names it. */
export type AddressRange =
  | "metadata"
  | "link-local"
  | "unspecified"
  | "multicast"
  | "broadcast"
  | "loopback"
  | "private"
  | "shared"
  | "documentation"
  | "benchmark"
  | "reserved"
  | "public";

/** The special-purpose registries of IANA, and where clouds keep their metadata; the first match counts. */
const table: readonly (readonly [string, AddressRange])[] = [
  ["169.254.169.254", "metadata"],
  ["169.254.170.2", "metadata"],
  ["100.100.100.200", "metadata"],
  ["168.63.129.16", "metadata"],
  ["192.0.0.192", "metadata"],
  ["0.0.0.0/8", "unspecified"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "shared"],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "reserved"],
  ["192.0.2.0/24", "documentation"],
  ["192.88.99.0/24", "reserved"],
  ["192.168.0.0/16", "private"],
  ["198.18.0.0/15", "benchmark"],
  ["198.51.100.0/24", "documentation"],
  ["203.0.113.0/24", "documentation"],
  ["224.0.0.0/4", "multicast"],
  ["255.255.255.255", "broadcast"],
  ["240.0.0.0/4", "reserved"],
  ["fd00:ec2::254", "metadata"],
  ["fd20:ce::254", "metadata"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["64:ff9b:1::/48", "private"],
  ["2001::/32", "reserved"],
  ["2001:2::/48", "benchmark"],
  ["2001:db8::/32", "documentation"],
  ["2001::/23", "reserved"],
  ["3fff::/20", "documentation"],
  ["fc00::/7", "private"],
  ["fe80::/10", "link-local"],
  ["fec0::/10", "private"],
  ["ff00::/8", "multicast"],
];

/** IPv6 blocks that carry an IPv4 address, and at which byte; `plain`: what a public one in it counts as. */
const wrappers = [
  { block: "64:ff9b::/96", at: 12, plain: "public" },
  { block: "2002::/16", at: 2, plain: "reserved" },
  { block: "0:0:0:0:ffff:0::/96", at: 12, plain: "reserved" },
  { block: "::/96", at: 12, plain: "reserved" },
] as const;

/** What the address is for; an IPv4 address wrapped in IPv6 is what the inner one is. */
export function rangeOf(address: Address): AddressRange {
  const listed = table.find(([text]) => liesIn(address, text));
  if (listed !== undefined) return listed[1];
  if (address.bytes.length === 4) return "public";
  const wrapper = wrappers.find((entry) => liesIn(address, entry.block));
  if (wrapper !== undefined) {
    const bytes = address.bytes.slice(wrapper.at, wrapper.at + 4);
    const inner = rangeOf({ text: bytes.join("."), bytes });
    return inner === "public" ? wrapper.plain : inner;
  }
  return liesIn(address, "2000::/3") ? "public" : "reserved";
}

/** Reads a block only when it is asked about: reading all of them costs a cell's start a millisecond. */
function liesIn(address: Address, text: string): boolean {
  if (text.includes(":") !== (address.bytes.length === 16)) return false;
  const block = parseAddressBlock(text);
  return block !== undefined && inBlock(address, block);
}
