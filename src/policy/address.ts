/** An IP address: canonical text and 4 or 16 bytes. IPv4 in its IPv6 mapping counts as IPv4. */
export interface Address {
  readonly text: string;
  readonly bytes: readonly number[];
}

/** All addresses that share their first `bits` bits. */
export interface AddressBlock {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** Reads the one strict spelling of IPv4 (four decimal numbers) or any spelling of IPv6 without a zone. */
export function parseAddress(text: string): Address | undefined {
  const four = parseIpv4(text);
  if (four !== undefined) return { text: four.join("."), bytes: four };
  const groups = parseIpv6(text);
  if (groups === undefined) return undefined;
  const bytes = groups.flatMap((group) => [group >> 8, group & 255]);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return { text: bytes.slice(12).join("."), bytes: bytes.slice(12) };
  return { text: ipv6Text(groups), bytes };
}

/** Reads `address/bits`; an address alone is a block of one. */
export function parseAddressBlock(text: string): AddressBlock | undefined {
  const [spelled = "", length, ...more] = text.split("/");
  const address = parseAddress(spelled);
  if (address === undefined || more.length > 0) return undefined;
  const most = address.bytes.length * 8;
  if (length === undefined) return { bytes: address.bytes, bits: most };
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > most) return undefined;
  return { bytes: address.bytes, bits: Number(length) };
}

/** Whether the address lies in the block; IPv4 never lies in an IPv6 block, nor the other way round. */
export function inBlock(address: Address, block: AddressBlock): boolean {
  if (address.bytes.length !== block.bytes.length) return false;
  return block.bytes.every((byte, index) => {
    const bits = Math.max(0, Math.min(8, block.bits - index * 8));
    const mask = 0xff & (0xff << (8 - bits));
    return (byte & mask) === ((address.bytes[index] ?? 0) & mask);
  });
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || !/^[0-9a-fA-F:.]{2,45}$/.test(text)) return undefined;
  const [head = "", tail] = halves;
  const before = parseGroups(head, tail === undefined);
  const after = parseGroups(tail ?? "", true);
  if (before === undefined || after === undefined) return undefined;
  if (tail === undefined) return before.length === 8 ? before : undefined;
  const missing = 8 - before.length - after.length;
  return missing >= 1 ? [...before, ...new Array<number>(missing).fill(0), ...after] : undefined;
}

/** Reads groups between colons; only the last of an address may be a dotted IPv4 address. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const four = last && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (four === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = four;
    groups.push(a * 256 + b, c * 256 + d);
  }
  return groups;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as `::`. */
function ipv6Text(groups: readonly number[]): string {
  let start = 0;
  let length = 0;
  for (let from = 0; from < 8; from += 1) {
    let to = from;
    while (to < 8 && groups[to] === 0) to += 1;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}
